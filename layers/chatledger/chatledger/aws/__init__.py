"""The AWS services, one module each: the only place that knows boto3."""
