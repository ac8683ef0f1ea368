from typing import Any

from local import deviations


def sam_template() -> dict[str, Any]:
    return {
        "Globals": {"Function": {"Layers": [{"Ref": "Layer"}], "Runtime": "python3.13"}},
        "Resources": {
            "Layer": {"Type": "AWS::Serverless::LayerVersion", "Properties": {}},
            "Reading": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "functions/read/"},
            },
            "More": {"Type": "AWS::Serverless::LayerVersion", "Properties": {}},
            "Writing": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "CodeUri": "functions/write/",
                    "Layers": [{"Ref": "More"}],
                    "Environment": {"Variables": {"NAME": "write"}},
                },
            },
        },
    }


def translated() -> dict[str, Any]:
    integration = {
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "uri": {"Fn::Sub": "arn"},
            "payloadFormatVersion": "2.0",
        }
    }
    body = {
        "info": {"title": "chatledger"},
        "paths": {
            "/chats": {"get": integration, "post": integration},
            "$default": {"x-amazon-apigateway-any-method": integration},
        },
    }
    return {"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body}}}}


def test_code_comes_from_where_it_was_uploaded() -> None:
    template = sam_template()
    deviations.functions_from_bucket(template, lambda folder: f"s3://code/{folder}")
    code = template["Resources"]["Reading"]["Properties"]["CodeUri"]
    assert code == "s3://code/functions/read/"


def test_a_definition_comes_from_where_it_was_uploaded() -> None:
    machine = {"DefinitionUri": "statemachines/export.asl.json", "Type": "STANDARD"}
    template = {
        "Resources": {
            "Export": {"Type": "AWS::Serverless::StateMachine", "Properties": machine},
        }
    }
    deviations.machines_from_bucket(template, lambda file: f"s3://code/{file}")
    assert machine == {
        "DefinitionUri": "s3://code/statemachines/export.asl.json",
        "Type": "STANDARD",
    }


def test_layers_are_directories_on_the_path_of_who_has_them() -> None:
    template = sam_template()
    deviations.layers_as_directories(template, {"Layer": "/layer", "More": "/more"})
    assert list(template["Resources"]) == ["Reading", "Writing"]
    assert template["Globals"]["Function"] == {
        "Runtime": "python3.13",
        "Environment": {"Variables": {"PYTHONPATH": "/layer"}},
    }
    assert "Environment" not in template["Resources"]["Reading"]["Properties"]
    assert template["Resources"]["Writing"]["Properties"] == {
        "CodeUri": "functions/write/",
        "Environment": {"Variables": {"NAME": "write", "PYTHONPATH": "/layer:/more"}},
    }


def test_each_route_of_the_body_becomes_a_resource() -> None:
    template = translated()
    deviations.routes_from_body(template)
    resources = template["Resources"]
    routes = {n: r["Properties"] for n, r in resources.items() if r["Type"].endswith("::Route")}
    assert {r["RouteKey"] for r in routes.values()} == {"GET /chats", "POST /chats", "$default"}
    for route in routes.values():
        integration = route["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
        assert resources[integration]["Properties"]["IntegrationUri"] == {"Fn::Sub": "arn"}
    assert resources["Api"]["Properties"] == {"Name": "chatledger", "ProtocolType": "HTTP"}


def test_a_route_keeps_its_name_when_others_come() -> None:
    one, more = translated(), translated()
    more["Resources"]["Api"]["Properties"]["Body"]["paths"] = {
        "/another": one["Resources"]["Api"]["Properties"]["Body"]["paths"]["/chats"],
        **one["Resources"]["Api"]["Properties"]["Body"]["paths"],
    }
    deviations.routes_from_body(one)
    deviations.routes_from_body(more)
    assert one["Resources"].keys() < more["Resources"].keys()


def test_the_api_has_the_id_that_the_proxy_knows() -> None:
    template = translated()
    deviations.fixed_api_id(template)
    tags = template["Resources"]["Api"]["Properties"]["Tags"]
    assert tags == {"ms-custom-id": deviations.API_ID}


def test_a_policy_names_a_secret_by_its_arn_and_a_variable_as_before() -> None:
    secret = {"Ref": "Secret"}
    template = {
        "Resources": {
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"Statement": [{"Resource": secret}]}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": {"SECRET": secret}},
        }
    }
    deviations.secrets_by_arn(template)
    (statement,) = template["Resources"]["Role"]["Properties"]["Statement"]
    assert ":secret:${Secret}-*" in statement["Resource"]["Fn::Sub"]
    assert template["Resources"]["Function"]["Properties"]["SECRET"] == secret
