"""What the local deployment rewrites in template.yaml, each with its reason. Nothing else differs.

The first four look at the template as it is written, before SAM's translation; the others at
what CloudFormation would get. Three more things happen outside the template:

- `proxy.py` tells the engine that requests came by TLS, which the buckets' policies ask for.
- `deploy.py` switches on each table's time to live after the deployment, because the engine reads
  over it in CloudFormation.
- The engine runs functions on this machine's Python and processor, whatever `Runtime` and
  `Architectures` say, and it enforces no memory size, throttling or payload limit.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, cast

Template = dict[str, Any]

# Eight hexadecimal digits, as the engine wants them.
API_ID = "c4a7ed9e"

# Parameters that have another value than the template's default.
PARAMETERS = {
    "AuditLockDays": "0",  # the engine's CloudFormation makes no bucket that can lock objects
    "CreateAlarms": "false",  # the engine knows no metric math, and nobody is woken here
    "TableDeletionProtection": "false",  # a person may throw the data directory away
}

_METHODS = {"x-amazon-apigateway-any-method": "ANY"}


def functions_from_bucket(template: Template, upload: Callable[[str], str]) -> None:
    """A function's code comes from a bucket of the engine. `sam package` does the same for AWS."""
    for function in _of_type(template, "AWS::Serverless::Function"):
        function["CodeUri"] = upload(function["CodeUri"])


def machines_from_bucket(template: Template, upload: Callable[[str], str]) -> None:
    """A state machine's definition comes from a bucket, again as by `sam package`."""
    for machine in _of_type(template, "AWS::Serverless::StateMachine"):
        machine["DefinitionUri"] = upload(machine["DefinitionUri"])


def layers_as_directories(template: Template, paths: dict[str, str]) -> None:
    """A layer is a directory on PYTHONPATH, of each function that has it; ``paths`` by layer.

    The engine would unpack it anew for every worker, and AWS's is built for another processor.
    """
    common = _globals(template).pop("Layers")
    for function in _of_type(template, "AWS::Serverless::Function"):
        if own := function.pop("Layers", None):
            _variables_of(function)["PYTHONPATH"] = _python_path([*common, *own], paths)
    _variables(template)["PYTHONPATH"] = _python_path(common, paths)
    resources = template["Resources"]
    for name in [n for n, r in resources.items() if r["Type"] == "AWS::Serverless::LayerVersion"]:
        del resources[name]


def _python_path(layers: list[Template], paths: dict[str, str]) -> str:
    return ":".join(paths[layer["Ref"]] for layer in layers)


def links_by_clean_address(template: Template, url: str) -> None:
    """Functions reach S3 through the address people use, so that the links they sign carry it."""
    _variables(template)["AWS_ENDPOINT_URL_S3"] = url


def routes_from_body(template: Template) -> None:
    """Each route becomes a resource of its own, with the integration it names.

    SAM puts them into the API's OpenAPI body, which the engine does not read for HTTP APIs.
    """
    for name, resource in list(template["Resources"].items()):
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in resource["Properties"]:
            body = resource["Properties"].pop("Body")
            resource["Properties"].update(_described(body, name))
            template["Resources"].update(_routes(name, body))


def fixed_api_id(template: Template) -> None:
    """The API keeps its id over deployments and restarts, so that the proxy can know it."""
    for api in _of_type(template, "AWS::ApiGatewayV2::Api"):
        api.setdefault("Tags", {})["ms-custom-id"] = API_ID


def secrets_by_arn(template: Template) -> None:
    """A secret's ``Ref`` is its ARN; to the engine it is its name, which no policy would match."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::SecretsManager::Secret":
            arn = f"arn:${{AWS::Partition}}:secretsmanager:*:*:secret:${{{name}}}-*"
            _replace(template["Resources"], {"Ref": name}, {"Fn::Sub": arn}, under="Resource")


def _replace(value: Any, old: Template, new: Template, under: str) -> None:
    """Replaces ``old`` wherever it stands under a key of this name."""
    if isinstance(value, dict):
        found = cast("Template", value)
        found.update({under: new} if found.get(under) == old else {})
    for inner in _inside(value):
        _replace(inner, old, new, under)


def _inside(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(cast("Template", value).values())
        case list():
            return cast("list[Any]", value)
        case _:
            return []


def _of_type(template: Template, kind: str) -> list[Template]:
    return [r["Properties"] for r in template["Resources"].values() if r["Type"] == kind]


def _globals(template: Template) -> Template:
    return template.setdefault("Globals", {}).setdefault("Function", {})


def _variables(template: Template) -> Template:
    return _variables_of(_globals(template))


def _variables_of(function: Template) -> Template:
    return function.setdefault("Environment", {}).setdefault("Variables", {})


def _described(body: Template, name: str) -> Template:
    """What an API resource says itself once it has no body."""
    described: Template = {"Name": body["info"].get("title", name), "ProtocolType": "HTTP"}
    if cors := body.get("x-amazon-apigateway-cors"):
        described["CorsConfiguration"] = cors
    return described


def _routes(api: str, body: Template) -> Iterator[tuple[str, Template]]:
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            if integration := operation.get("x-amazon-apigateway-integration"):
                key = (
                    path if path == "$default" else f"{_METHODS.get(method, method.upper())} {path}"
                )
                # Named by what they are, so that a new route leaves the others alone.
                mark = hashlib.sha256(key.encode()).hexdigest()[:8]
                yield f"{api}Integration{mark}", _integration(api, integration)
                yield (
                    f"{api}Route{mark}",
                    _resource(
                        "AWS::ApiGatewayV2::Route",
                        ApiId={"Ref": api},
                        RouteKey=key,
                        Target={"Fn::Sub": f"integrations/${{{api}Integration{mark}}}"},
                    ),
                )


def _integration(api: str, described: Template) -> Template:
    return _resource(
        "AWS::ApiGatewayV2::Integration",
        ApiId={"Ref": api},
        IntegrationType="AWS_PROXY",
        IntegrationUri=described["uri"],
        PayloadFormatVersion=described["payloadFormatVersion"],
    )


def _resource(kind: str, **properties: object) -> Template:
    return {"Type": kind, "Properties": properties}
