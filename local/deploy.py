"""Deploys template.yaml to the engine, by CloudFormation, as it would be deployed to AWS."""

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from samtranslator import yaml_helper
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local import deviations
from local.code import PARQUET, digest, function_archive, layer_directory
from local.engine import REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

    from local.deviations import Template

STACK = "chatledger"
_CODE_BUCKET = "chatledger-local-code"
_LAYER_FOLDER = Path("layers/chatledger")
_DEPLOY_SECONDS = 120


class DeployError(Exception):
    """The template was refused; the message carries the engine's reasons."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of a deployment: physical ids by logical id, and the outputs."""

    resources: dict[str, str]
    outputs: dict[str, str]


class Cloud:
    """The engine's AWS services, reached as the account's root."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.session: Any = boto3.Session("test", "test", region_name=REGION)

    def client(self, service: str) -> Any:
        config = Config(signature_version="s3v4", retries={"total_max_attempts": 2})
        return self.session.client(service, endpoint_url=self.endpoint, config=config)


def deploy(cloud: Cloud, template: Path, data: Path, url: str) -> Deployed:
    """Deploys the application whose template this is; quick where nothing changed.

    Raises ``DeployError``.
    """
    yaml: Any = yaml_helper
    written: Template = yaml.yaml_parse(template.read_text())
    root = template.parent
    layers = {
        "ChatledgerLayer": layer_directory(root / _LAYER_FOLDER, data),
        "ParquetLayer": str(PARQUET),
    }
    code = _CodeBucket(cloud.client("s3"))
    deviations.functions_from_bucket(written, lambda uri: code.upload(root / uri))
    deviations.machines_from_bucket(written, lambda uri: code.upload_file(root / uri))
    deviations.layers_as_directories(written, layers)
    deviations.links_by_clean_address(written, url)
    translated = _translate(written, cloud.session)
    deviations.routes_from_body(translated)
    deviations.fixed_api_id(translated)
    deviations.secrets_by_arn(translated)
    url_of_template = code.put_template(json.dumps(translated).encode())
    parameters = {
        k: v for k, v in deviations.PARAMETERS.items() if k in written.get("Parameters", {})
    }
    deployed = _bring_up(cloud.client("cloudformation"), url_of_template, parameters)
    _switch_on_time_to_live(cloud, translated, deployed)
    return deployed


class _CodeBucket:
    """What is deployed, under names made of its content: changed code is a changed template."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client
        client.create_bucket(Bucket=_CODE_BUCKET)
        listed = client.list_objects_v2(Bucket=_CODE_BUCKET).get("Contents", [])
        self._held = {item.get("Key", "") for item in listed}

    def upload(self, folder: Path) -> str:
        archive = function_archive(folder)
        return self._uploaded(f"{folder.name}-{digest(archive)}.zip", archive)

    def upload_file(self, path: Path) -> str:
        content = path.read_bytes()
        return self._uploaded(f"{digest(content)}-{path.name}", content)

    def put_template(self, template: bytes) -> str:
        """CloudFormation takes up to 50 KB directly, and up to 1 MB by its address in a bucket."""
        key = f"template-{digest(template)}.json"
        self._put(key, template)
        return f"{self._client.meta.endpoint_url}/{_CODE_BUCKET}/{key}"

    def _uploaded(self, key: str, data: bytes) -> str:
        self._put(key, data)
        return f"s3://{_CODE_BUCKET}/{key}"

    def _put(self, key: str, data: bytes) -> None:
        if key not in self._held:
            self._client.put_object(Bucket=_CODE_BUCKET, Key=key, Body=data)


def _translate(template: "Template", session: boto3.Session) -> "Template":
    """SAM's own translation. Every function brings its role: no managed policy is looked up."""
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)  # it would publish some
    translator: Any = Translator({}, Parser(), boto_session=session)
    return translator.translate(sam_template=template, parameter_values={})


def _bring_up(
    client: "CloudFormationClient", template_url: str, parameters: dict[str, str]
) -> Deployed:
    arguments: Any = {
        "StackName": STACK,
        "TemplateURL": template_url,
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    }
    status = _status(client)
    if status in {"ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"}:
        client.delete_stack(StackName=STACK)  # a stack that never stood cannot be updated
        status = None
    try:
        if status is None:
            client.create_stack(**arguments)
        else:
            client.update_stack(**arguments)
    except ClientError as error:
        if "No updates" not in str(error):
            raise DeployError(str(error)) from error
    _wait(client)
    return _deployed(client)


def _status(client: "CloudFormationClient") -> str | None:
    try:
        return client.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def _wait(client: "CloudFormationClient") -> None:
    deadline = time.monotonic() + _DEPLOY_SECONDS
    status = _status(client)
    while status is not None and status.endswith("IN_PROGRESS") and time.monotonic() < deadline:
        time.sleep(0.05)
        status = _status(client)
    if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise DeployError(f"The deployment ended as {status}:\n{_reasons(client)}")


def _reasons(client: "CloudFormationClient") -> str:
    events = client.describe_stack_events(StackName=STACK)["StackEvents"]
    return "\n".join(
        f"  {event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
        for event in events
        if event.get("ResourceStatus", "").endswith("FAILED")
    )


def _deployed(client: "CloudFormationClient") -> Deployed:
    resources = client.describe_stack_resources(StackName=STACK)["StackResources"]
    outputs = client.describe_stacks(StackName=STACK)["Stacks"][0].get("Outputs", [])
    return Deployed(
        {r["LogicalResourceId"]: r.get("PhysicalResourceId", "") for r in resources},
        {o.get("OutputKey", ""): o.get("OutputValue", "") for o in outputs},
    )


def _switch_on_time_to_live(cloud: Cloud, template: "Template", deployed: Deployed) -> None:
    client = cloud.client("dynamodb")
    for name, resource in template["Resources"].items():
        wanted = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if resource["Type"] == "AWS::DynamoDB::Table" and wanted:
            table = deployed.resources[name]
            held = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
            if held["TimeToLiveStatus"] != "ENABLED":
                client.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)
