"""template.yaml says what the application may do; these tests hold it to that, without any AWS."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from samtranslator import yaml_helper
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local import deviations

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))


def to_each(acts: list[str], kinds: list[str]) -> dict[str, list[str]]:
    return dict.fromkeys(acts, kinds)


READS = ["GetItem", "BatchGetItem", "Query"]

# What reconciling a clear needs, and with it whoever may have to end one.
RECONCILES: dict[str, list[str]] = {
    "GetItem": ["J#*", "G#*"],
    "Query": ["H#*"],
    "BatchGetItem": ["D#*", "C#*", "U#*"],
    "PutItem": ["J#*"],
}
ENDS = {**RECONCILES, "GetItem": ["J#*", "R#*", "G#*"]}

# Which kinds of item each function may touch, and how: as much as its code does, and no more.
MAY: dict[str, dict[str, list[str]]] = {
    "pages": {},
    "ingest": {
        **to_each(READS, ["K#h#*", "D#*", "C#*", "S#*", "T#*", "G#*", "I#*"]),
        "PutItem": ["D#*", "C#*", "S#*", "I#*", "G#*"],
        "UpdateItem": ["T#*", "U#*", "L#*"],
    },
    "read": {
        **to_each(READS, ["K#h#*", "D#*", "C#*", "S#*", "U#*", "T#*", "G#*"]),
        "UpdateItem": ["L#*"],
    },
    "export": {
        **to_each(READS, ["K#h#*", "D#*", "C#*", "S#*", "U#*", "T#*", "G#*", "I#*", "J#*"]),
        "GetItem": [
            *("K#h#*", "D#*", "C#*", "S#*", "U#*", "T#*", "G#*", "I#*", "J#*"),
            *("X#*", "R#*", "N#*", "F#*"),
        ],
        "Query": ["K#h#*", "D#*", "C#*", "S#*", "U#*", "T#*", "G#*", "I#*", "J#*", "F#*"],
        "PutItem": ["J#*", "I#*", "Q#*", "X#*", "N#*"],
        "UpdateItem": ["P#*", "L#*"],
    },
    "preview": {
        **to_each(READS, ["K#h#*", "D#*", "C#*", "S#*", "U#*", "T#*", "G#*", "I#*", "J#*"]),
        "GetItem": [*("K#h#*", "D#*", "C#*", "S#*", "U#*", "T#*", "G#*", "I#*", "J#*"), "N#*"],
        "PutItem": ["I#*"],
        "UpdateItem": ["L#*"],
    },
    "conversation_logs": {
        **to_each(READS, ["K#h#*", "D#*", "C#*", "S#*", "T#*", "G#*", "J#*"]),
        "PutItem": ["J#*", "Q#*"],
        "UpdateItem": ["P#*", "L#*"],
    },
    "export_jobs": {
        "GetItem": ["K#h#*", "J#*", "G#*", "P#*"],
        "Query": ["K#h#*", "J#*", "G#*"],
        "UpdateItem": ["L#*"],
    },
    "export_delete": {
        "GetItem": ["K#h#*", "J#*", "G#*"],
        "PutItem": ["J#*"],
        "UpdateItem": ["L#*"],
    },
    "acknowledge": {
        "GetItem": ["K#h#*", "J#*", "X#*", "R#*", "G#*"],
        "PutItem": ["J#*", "X#*"],
        "UpdateItem": ["L#*"],
    },
    "undo": {
        "GetItem": ["K#h#*", "J#*", "X#*", "R#*", "I#*", "G#*"],
        "PutItem": ["J#*", "R#*", "X#*", "Q#*", "I#*"],
        "UpdateItem": ["L#*"],
    },
    "holds": {
        **to_each(["GetItem", "Query"], ["K#h#*", "H#*", "I#*", "G#*"]),
        "PutItem": ["H#*", "I#*"],
        "UpdateItem": ["L#*"],
        "DeleteItem": ["H#*"],
    },
    "imports": {
        **to_each(["GetItem", "Query"], ["K#h#*", "R#*", "I#*", "G#*"]),
        "PutItem": ["R#*", "Q#*", "I#*"],
        "UpdateItem": ["L#*"],
    },
    "documents": {
        "GetItem": ["K#h#*", "F#*", "G#*"],
        "PutItem": ["F#*"],
        "UpdateItem": ["L#*"],
    },
    "audit": {"GetItem": ["K#h#*", "G#*"], "Query": ["A#*"], "UpdateItem": ["L#*"]},
    "anchor": {"GetItem": ["G#*"], "Query": ["A#*"]},
    "expire": {
        **to_each(["GetItem", "Query"], ["G#*", "E#*", "A#*", "S#*", "T#*", "D#*"]),
        "PutItem": ["E#*"],
        "DeleteItem": ["S#*", "D#*"],
    },
    "keys": {
        **to_each(["GetItem", "Query"], ["K#*", "G#*"]),
        "PutItem": ["K#*"],
        "UpdateItem": ["L#*"],
        "DeleteItem": ["K#*"],
    },
    "bootstrap": {"GetItem": ["K#h#*", "G#*"], "PutItem": ["K#*", "G#*"]},
    "adopt_table": {"GetItem": ["G#*"], "PutItem": ["G#*"]},
    "plan": {
        **to_each(READS, ["S#*", "T#*", "D#*"]),
        "GetItem": ["J#*", "G#*", "S#*", "T#*", "D#*"],
        "Query": ["S#*", "T#*", "D#*", "F#*"],
        "PutItem": ["J#*"],
        "UpdateItem": ["P#*"],
    },
    "write_part": {
        **to_each(READS, ["D#*", "C#*", "S#*", "U#*", "T#*"]),
        "GetItem": ["J#*", "G#*", "D#*", "C#*", "S#*", "U#*", "T#*", "F#*"],
        "Query": ["D#*", "C#*", "S#*", "U#*", "T#*", "F#*"],
        "UpdateItem": ["P#*"],
    },
    "finish": {"GetItem": ["J#*", "P#*", "N#*", "G#*"], "PutItem": ["J#*", "N#*"]},
    "verify": {"GetItem": ["J#*", "G#*"]},
    "clear": {
        "GetItem": ["J#*", "X#*", "G#*"],
        "Query": ["H#*"],
        "BatchGetItem": ["D#*", "C#*", "U#*"],
        "PutItem": ["J#*"],
        "UpdateItem": ["D#*"],
    },
    "reconcile": RECONCILES,
    "undo_part": {
        **to_each(READS, ["D#*", "C#*", "S#*", "T#*"]),
        "GetItem": ["J#*", "R#*", "X#*", "G#*", "D#*", "C#*", "S#*", "T#*"],
        "PutItem": ["D#*", "C#*"],
        "UpdateItem": ["D#*", "T#*", "U#*", "P#*"],
    },
    "import_file": {
        **to_each(READS, ["D#*", "C#*", "S#*", "T#*"]),
        "GetItem": ["R#*", "G#*", "D#*", "C#*", "S#*", "T#*"],
        "PutItem": ["R#*", "D#*", "C#*", "S#*"],
        "UpdateItem": ["D#*", "T#*", "U#*"],
    },
    "restore_finish": {"GetItem": ["R#*", "J#*", "P#*", "G#*"], "PutItem": ["R#*", "J#*"]},
    "ended": {**ENDS, "PutItem": ["J#*", "R#*"]},
    "sweep": {
        **ENDS,
        "GetItem": ["J#*", "R#*", "X#*", "Q#*", "G#*"],
        "Query": ["H#*", "Q#*"],
        "PutItem": ["J#*", "R#*", "X#*", "Q#*"],
        "DeleteItem": ["Q#*"],
    },
    "import_uploaded": {"GetItem": ["R#*", "G#*"], "PutItem": ["R#*"]},
}

# Who adds to the audit trail. Nobody changes or deletes of it.
RECORDS = {
    *("export", "export_jobs", "export_delete", "acknowledge", "undo", "holds", "imports"),
    *("preview", "conversation_logs", "documents"),
    *("keys", "bootstrap", "finish", "clear", "reconcile", "restore_finish", "ended", "sweep"),
}

EXPORTS, IMPORTS = "ExportsBucket/exports/*", "ExportsBucket/imports/*"
ARCHIVES, ANCHORS = "ArchiveBucket/archives/*", "ArchiveBucket/anchors/*"
DOCUMENTS = "ArchiveBucket/documents/*"
CONTENTS, ORIGINALS = f"{DOCUMENTS}/content-*", f"{DOCUMENTS}/original"
TELLS_MISSING = {"ExportsBucket": {"ListBucket"}}
READS_VERSIONS = {"GetObject", "GetObjectVersion"}
WRITES = {"PutObject", "GetObject", "AbortMultipartUpload"}
TELLS_GONE = {"ArchiveBucket": {"ListBucket"}}
KEEPS_PLACE = {
    **TELLS_MISSING,
    **TELLS_GONE,
    EXPORTS: {"PutObject", "GetObject"},
    ARCHIVES: READS_VERSIONS,
}

# The same for the files: by bucket, and by what their names begin with.
MAY_WITH_FILES: dict[str, dict[str, set[str]]] = {
    "export": {
        **TELLS_MISSING,
        **TELLS_GONE,
        EXPORTS: WRITES,
        ARCHIVES: READS_VERSIONS,
        CONTENTS: {"GetObject"},
    },
    "conversation_logs": {**TELLS_MISSING, **TELLS_GONE, EXPORTS: WRITES},
    "export_jobs": {EXPORTS: {"GetObject"}, ARCHIVES: READS_VERSIONS},
    "export_delete": {
        **TELLS_MISSING,
        EXPORTS: {"DeleteObject"},
        "ArchiveBucket": {"ListBucketVersions"},
        ARCHIVES: {"DeleteObject", "DeleteObjectVersion"},
    },
    "imports": {IMPORTS: {"PutObject"}},
    "documents": {
        **TELLS_GONE,
        DOCUMENTS: {"PutObject"},
        CONTENTS: {"GetObject", "DeleteObjectVersion"},
        ORIGINALS: {"GetObject"},
    },
    "audit": {
        "ArchiveBucket": {"ListBucket", "ListBucketVersions"},
        ANCHORS: {"GetObject", "GetObjectVersion"},
    },
    "anchor": {ANCHORS: {"PutObject", "PutObjectRetention"}},
    "plan": {**TELLS_MISSING, EXPORTS: {"PutObject", "GetObject"}},
    "write_part": {
        **TELLS_MISSING,
        EXPORTS: WRITES,
        ARCHIVES: {"PutObject", "AbortMultipartUpload"},
        **TELLS_GONE,
        CONTENTS: {"GetObject"},
    },
    "finish": {**TELLS_MISSING, EXPORTS: WRITES, ARCHIVES: WRITES | READS_VERSIONS},
    "verify": {**TELLS_GONE, ARCHIVES: READS_VERSIONS},
    "clear": {**TELLS_GONE, ARCHIVES: READS_VERSIONS},
    "reconcile": KEEPS_PLACE,
    "undo_part": {**TELLS_GONE, ARCHIVES: READS_VERSIONS},
    "import_file": {**TELLS_MISSING, IMPORTS: {"GetObject"}},
    "ended": KEEPS_PLACE,
    "sweep": {**KEEPS_PLACE, IMPORTS: {"GetObject"}},
}

# Which state machines a function may start, and is thus told of.
MAY_START = {
    "export": {"ExportStateMachine"},
    "conversation_logs": {"ExportStateMachine"},
    "acknowledge": {"ExportStateMachine"},
    "undo": {"RestoreStateMachine"},
    "sweep": {"ExportStateMachine", "RestoreStateMachine"},
    "import_uploaded": {"RestoreStateMachine"},
}

# What writes files, or counts their bytes, and thus Parquet.
WRITES_PARQUET = {"export", "preview", "write_part", "finish"}

# What the state machines call; the states bear their names.
STEPS = {
    "export": {"plan", "write_part", "finish", "verify", "clear", "reconcile", "ended"},
    "restore": {"undo_part", "import_file", "restore_finish", "ended"},
}
BY_EVENT = {"ended", "sweep", "import_uploaded", "anchor", "expire"}

ENVIRONMENT = {
    "TABLE_NAME",
    "EXPORTS_BUCKET",
    "ARCHIVE_BUCKET",
    "LEDGER_SHARDS",
    "SIGNING_SECRET",
    "SIGNING_KEY",
    "ALLOW_ANONYMOUS",
    "WEBSOCKET_URL",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
}

# What one function alone is told.
OF_ONE = {
    "anchor": {"AUDIT_LOCK_DAYS"},
    "expire": {"HISTORY_DAYS"},
    "export": {"PSEUDONYM_SECRET"},
    "preview": {"PSEUDONYM_SECRET"},
    "write_part": {"PSEUDONYM_SECRET"},
}

HOLDS_DATA = {
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SecretsManager::Secret",
    "AWS::KMS::Key",
}

Template = dict[str, Any]


class TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: ``!Ref X`` becomes ``{"Ref": "X"}``."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


TemplateLoader.add_multi_constructor("!", _short_form)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def template() -> Template:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=TemplateLoader)  # noqa: S506 (it is a SafeLoader)


def transformed(parameters: dict[str, str]) -> Template:
    """What CloudFormation gets once SAM has translated it; the code is somewhere in a bucket."""
    yaml_of_sam: Any = yaml_helper
    written: Template = yaml_of_sam.yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    deviations.functions_from_bucket(written, lambda folder: f"s3://code/{folder}")
    deviations.machines_from_bucket(written, lambda file: f"s3://code/{file}")
    layers = {"ChatledgerLayer": "/layer", "ParquetLayer": "/parquet"}
    deviations.layers_as_directories(written, layers)
    session = boto3.Session("test", "test", region_name="us-east-1")
    translator: Any = Translator({}, Parser(), boto_session=session)
    return translator.translate(sam_template=written, parameter_values=parameters)


def of_type(template: Template, kind: str) -> dict[str, Template]:
    resources = template["Resources"]
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def functions(template: Template) -> dict[str, tuple[str, Template]]:
    """By folder: the logical id's stem (``ExportJobs``) and the properties."""
    found: dict[str, tuple[str, Template]] = {}
    for name, resource in of_type(template, "AWS::Serverless::Function").items():
        folder = resource["Properties"]["CodeUri"].removeprefix("functions/").rstrip("/")
        assert folder not in found, f"two functions run {folder}"
        found[folder] = name.removesuffix("Function"), resource["Properties"]
    return found


def statements(template: Template, stem: str) -> Iterator[Template]:
    for policy in template["Resources"][f"{stem}Role"]["Properties"]["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def every(value: Any, key: str) -> Iterator[Any]:
    """Each value under this key, however deep."""
    for name, each in value.items() if isinstance(value, dict) else enumerate(listed(value)):
        if name == key:
            yield each
        if isinstance(each, dict | list):
            yield from every(each, key)


def routes(template: Template) -> list[tuple[str, str]]:
    """(route key, folder) of every route."""
    found: list[tuple[str, str]] = []
    for folder, (_, properties) in functions(template).items():
        for event in properties.get("Events", {}).values():
            about = event["Properties"]
            if event["Type"] != "HttpApi":
                assert folder in BY_EVENT
                continue
            path = about.get("Path", "$default")
            found.append((f"{about['Method']} {path}" if "Method" in about else path, folder))
    return found


def stem_of(folder: str) -> str:
    return "".join(word.title() for word in folder.split("_"))


def test_every_folder_is_one_function(template: Template) -> None:
    assert sorted(functions(template)) == FUNCTIONS
    assert sorted(MAY) == FUNCTIONS


def test_logical_ids_and_service_names_are_the_folders(template: Template) -> None:
    for folder, (stem, properties) in functions(template).items():
        assert stem == stem_of(folder)
        variables = properties["Environment"]["Variables"]
        assert variables["POWERTOOLS_SERVICE_NAME"] == folder


def test_every_function_has_a_role_and_a_log_of_its_own(template: Template) -> None:
    for stem, properties in functions(template).values():
        assert properties["Role"] == {"Fn::GetAtt": f"{stem}Role.Arn"}
        assert properties["LoggingConfig"] == {"LogGroup": {"Ref": f"{stem}Logs"}}
        log = next(s for s in statements(template, stem) if s["Sid"] == "WriteOwnLog")
        assert log["Resource"] == {"Fn::GetAtt": f"{stem}Logs.Arn"}
        role = template["Resources"][f"{stem}Role"]["Properties"]
        assert role["PermissionsBoundary"]["Fn::If"][1] == {"Ref": "PermissionsBoundary"}


def test_only_who_writes_files_carries_what_writes_parquet(template: Template) -> None:
    carrying = {
        folder
        for folder, (_, properties) in functions(template).items()
        if {"Ref": "ParquetLayer"} in properties.get("Layers", [])
    }
    assert carrying == WRITES_PARQUET
    assert template["Globals"]["Function"]["Layers"] == [{"Ref": "ChatledgerLayer"}]


def test_every_function_is_told_all_settings(template: Template) -> None:
    common = template["Globals"]["Function"]["Environment"]["Variables"]
    for folder, (_, properties) in functions(template).items():
        machines = {stem.upper() for stem in map(snake, MAY_START.get(folder, set()))}
        told = {*common, *properties["Environment"]["Variables"]}
        assert told == ENVIRONMENT | machines | OF_ONE.get(folder, set())


def snake(name: str) -> str:
    """``export_state_machine`` of ``ExportStateMachine``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_functions_answer_before_the_gateway_gives_up(template: Template) -> None:
    routed = {folder for _, folder in routes(template)}
    for folder in routed:
        assert functions(template)[folder][1]["Timeout"] <= 29
    for folder in STEPS["export"] | STEPS["restore"] | {"sweep", "anchor", "expire"}:
        assert folder not in routed
        assert functions(template)[folder][1]["Timeout"] == 15 * 60


def test_routes_are_unique_and_the_rest_is_ours(template: Template) -> None:
    counted = Counter(key for key, _ in routes(template))
    assert [key for key, times in counted.items() if times > 1] == []
    assert dict(routes(template))["$default"] == "pages"


def test_no_gateway_authorizer(template: Template) -> None:
    (api,) = of_type(template, "AWS::Serverless::HttpApi").values()
    assert "Auth" not in api["Properties"]


@pytest.mark.parametrize("folder", MAY)
def test_table_grants_are_by_kind(template: Template, folder: str) -> None:
    stem, _ = functions(template)[folder]
    granted: dict[str, list[str]] = {}
    for statement in statements(template, stem):
        acts = [a.removeprefix("dynamodb:") for a in listed(statement["Action"])]
        if acts == listed(statement["Action"]):
            continue  # Of another service.
        assert statement["Resource"] == {"Fn::GetAtt": "Table.Arn"}
        assert list(statement["Condition"]) == ["ForAllValues:StringLike"]
        kinds = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for act in acts:
            granted.setdefault(act, []).extend(kinds)
    wanted = {act: list(kinds) for act, kinds in MAY[folder].items()}
    for act in ("Query", "PutItem") if folder in RECORDS else ():
        wanted.setdefault(act, []).append("A#*")
    assert {act: sorted(kinds) for act, kinds in granted.items()} == {
        act: sorted(kinds) for act, kinds in wanted.items()
    }


@pytest.mark.parametrize("folder", MAY)
def test_file_grants_are_what_the_code_does(template: Template, folder: str) -> None:
    granted: dict[str, set[str]] = {}
    for statement in statements(template, stem_of(folder)):
        acts = listed(statement["Action"])
        if acts[0].startswith("s3:"):
            for resource in listed(statement["Resource"]):
                place = granted.setdefault(place_of(resource), set())
                place |= {act.removeprefix("s3:") for act in acts}
    assert granted == MAY_WITH_FILES.get(folder, {})


def place_of(resource: Template) -> str:
    """``ExportsBucket``, or ``ExportsBucket/exports/*`` for what lies in it."""
    if "Fn::GetAtt" in resource:
        return resource["Fn::GetAtt"].removesuffix(".Arn")
    return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", resource["Fn::Sub"])


@pytest.mark.parametrize("folder", MAY)
def test_executions_are_started_by_who_may(template: Template, folder: str) -> None:
    _, properties = functions(template)[folder]
    started = [
        statement["Resource"]["Ref"]
        for statement in statements(template, stem_of(folder))
        if statement["Action"] == "states:StartExecution"
    ]
    told = {
        value["Ref"]
        for name, value in properties["Environment"]["Variables"].items()
        if name.endswith("_STATE_MACHINE")
    }
    assert set(started) == told == MAY_START.get(folder, set())


DELETES = {"documents", "export_delete", "holds", "keys", "sweep", "expire"}


@pytest.mark.parametrize("folder", sorted(MAY.keys() - DELETES))
def test_nothing_is_deleted_by_who_may_not(template: Template, folder: str) -> None:
    stem, _ = functions(template)[folder]
    acts = [act for s in statements(template, stem) for act in listed(s["Action"])]
    deleting = re.compile(r"delete|batchwrite|partiql|:\*", re.IGNORECASE)
    assert [act for act in acts if deleting.search(act)] == []


def test_what_verifies_can_write_nothing_and_what_clears_no_object(template: Template) -> None:
    writing = re.compile(r"put|update|delete|write|abort|encrypt$|generate", re.IGNORECASE)

    def writes(stem: str) -> set[str]:
        of_role = statements(template, stem)
        acts = [act for s in of_role if s["Sid"] != "WriteOwnLog" for act in listed(s["Action"])]
        return {act for act in acts if writing.search(act.removesuffix("Decrypt"))}

    assert writes("Verify") == set()
    assert {act for act in writes("Clear") if act.startswith("s3:")} == set()


def test_only_who_lists_what_there_is_looks_into_a_bucket_by_prefix(template: Template) -> None:
    """Without a prefix in the condition S3 tells what is missing from what is forbidden."""
    for folder, (stem, _) in functions(template).items():
        for statement in statements(template, stem):
            if listed(statement["Action"])[0].startswith("s3:List"):
                lists = folder == "export_delete" or statement["Sid"] == "CountLogFiles"
                assert ("Condition" in statement) == lists


def test_the_data_key_is_used_through_services_only(template: Template) -> None:
    for stem, _ in functions(template).values():
        for statement in statements(template, stem):
            if statement["Resource"] == {"Fn::GetAtt": "DataKey.Arn"}:
                assert statement["Condition"]["StringEquals"]["kms:ViaService"]


def test_only_who_finishes_an_export_signs_and_only_verify_asks(template: Template) -> None:
    may = {
        folder: {
            act
            for statement in statements(template, stem)
            if statement["Resource"] == {"Fn::GetAtt": "SigningKey.Arn"}
            for act in listed(statement["Action"])
        }
        for folder, (stem, _) in functions(template).items()
    }
    assert {folder: acts for folder, acts in may.items() if acts} == {
        "pages": {"kms:GetPublicKey"},
        "export": {"kms:Sign", "kms:GetPublicKey"},
        "finish": {"kms:Sign", "kms:GetPublicKey"},
        "verify": {"kms:Verify"},
    }


def test_no_role_is_given_everything(template: Template) -> None:
    """``"*"`` is for acts that know no other resource. In a key's policy it is the key itself."""
    wide = [
        (name, resource["Properties"])
        for name, resource in template["Resources"].items()
        if resource["Type"] != "AWS::KMS::Key" and "*" in every(resource, "Resource")
    ]
    assert [name for name, _ in wide] == ["TracingPolicy", "MachinePolicy"]
    acts = {act for _, policy in wide for each in every(policy, "Action") for act in each}
    delivers = r"logs:\w+LogDeliver(y|ies)|logs:(PutResource|DescribeResource|DescribeLog)\w+"
    assert [act for act in acts if not re.fullmatch(f"xray:(Put|Get)\\w+|{delivers}", act)] == []


def test_what_holds_data_or_keys_is_retained(template: Template) -> None:
    for name, resource in template["Resources"].items():
        if resource["Type"] in HOLDS_DATA:
            assert resource["DeletionPolicy"] == "Retain", name
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_the_table(template: Template) -> None:
    (table,) = (t["Properties"] for t in of_type(template, "AWS::DynamoDB::Table").values())
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["PK", "SK"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "KEYS_ONLY"}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert "GlobalSecondaryIndexes" not in table
    assert template["Parameters"]["TableDeletionProtection"]["Default"] == "true"
    assert template["Parameters"]["LedgerShards"]["Default"] == 16


@pytest.mark.parametrize("bucket", ["ExportsBucket", "ArchiveBucket"])
def test_buckets_are_closed(template: Template, bucket: str) -> None:
    properties = template["Resources"][bucket]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
    policy = template["Resources"][f"{bucket}Policy"]["Properties"]
    assert policy["Bucket"] == {"Ref": bucket}
    denied = [s["Condition"] for s in policy["PolicyDocument"]["Statement"]]
    assert {"Bool": {"aws:SecureTransport": False}} in denied
    assert {"NumericGreaterThan": {"s3:signatureAge": 15 * 60 * 1000}} in denied


def test_nothing_expires_in_the_archive(template: Template) -> None:
    archive = template["Resources"]["ArchiveBucket"]["Properties"]
    assert archive["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = archive["LifecycleConfiguration"]["Rules"]
    assert [rule for rule in rules if any("Expir" in name for name in rule)] == []


def test_only_anchors_are_locked(template: Template) -> None:
    """A retention by default would lock archives, too: of exports that were cancelled as well."""
    archive = template["Resources"]["ArchiveBucket"]["Properties"]
    assert archive["ObjectLockEnabled"] is True
    assert "ObjectLockConfiguration" not in archive


def test_alarms_watch_every_function_once(template: Template) -> None:
    watched = Counter(
        value["Ref"]
        for name in ("LedgerErrorsAlarm", "ExportErrorsAlarm", "JobErrorsAlarm", "StepErrorsAlarm")
        for value in every(template["Resources"][name], "Value")
    )
    assert watched == Counter(f"{stem}Function" for stem, _ in functions(template).values())
    throttles = template["Resources"]["FunctionThrottlesAlarm"]["Properties"]
    assert "Dimensions" not in throttles  # All functions of the account together.


def test_an_alarm_has_room_for_ten_metrics(template: Template) -> None:
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        metrics = [m for m in alarm["Properties"].get("Metrics", []) if "MetricStat" in m]
        assert len(metrics) <= 10, name


def test_alarms_watch_failed_jobs_and_incomplete_clears(template: Template) -> None:
    failed = template["Resources"]["JobsFailedAlarm"]
    assert {value["Ref"] for value in every(failed, "Value")} == set(
        of_type(template, "AWS::Serverless::StateMachine")
    )
    incomplete = template["Resources"]["ClearIncompleteAlarm"]
    assert set(every(incomplete, "Namespace")) == {"Chatledger"}
    # Whoever may reconcile a clear may find it incomplete.
    assert set(every(incomplete, "Value")) == {"reconcile", "ended", "sweep"}


def test_settings_are_described_grouped_and_known(template: Template) -> None:
    parameters = template["Parameters"]
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = Counter(name for group in groups for name in group["Parameters"])
    assert grouped == Counter(list(parameters))
    assert all(about["Description"] for about in parameters.values())
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    for environment in ("default", "dev", "prod"):
        overrides = config[environment]["deploy"]["parameters"].get("parameter_overrides", [])
        names = [override.partition("=")[0] for override in overrides]
        assert set(names) <= set(parameters)


@pytest.mark.parametrize("folder", MAY)
def test_events_are_what_the_gateway_sends(template: Template, folder: str) -> None:
    files = [*(ROOT / "events").glob(f"{folder}.json"), *(ROOT / "events").glob(f"{folder}-*.json")]
    assert files
    own = {key for key, of in routes(template) if of == folder}
    for file in files:
        event = json.loads(file.read_text(encoding="utf-8"))
        if not own:  # Called by a person, a state machine or an event, with a payload of its own.
            assert "routeKey" not in event
            continue
        assert event["version"] == "2.0"
        assert event["routeKey"] == event["requestContext"]["routeKey"]
        assert event["routeKey"] in own
        assert event["rawPath"] == event["requestContext"]["http"]["path"]
        names = set(re.findall(r"\{(\w+)\+?\}", event["routeKey"]))
        assert set(event.get("pathParameters", {})) == names


def test_what_events_start(template: Template) -> None:
    """EventBridge delivers what a rule's pattern names; the payloads here must be among that."""
    started = {
        folder: [(each["Type"], each["Properties"]) for each in properties["Events"].values()]
        for folder, (_, properties) in functions(template).items()
        if folder in BY_EVENT
    }
    ((kind, schedule),) = started["sweep"]
    assert (kind, schedule["Schedule"]) == ("Schedule", "rate(5 minutes)")
    ((kind, schedule),) = started["anchor"]
    assert (kind, schedule["Schedule"]) == ("Schedule", "rate(6 hours)")
    ((kind, schedule),) = started["expire"]
    assert (kind, schedule["Schedule"]) == ("Schedule", "rate(1 day)")
    ((_, died),), ((_, uploaded),) = started["ended"], started["import_uploaded"]
    machines = of_type(template, "AWS::Serverless::StateMachine")
    of_machines = died["Pattern"]["detail"].pop("stateMachineArn")
    assert [each["Ref"] for each in of_machines] == list(machines)
    assert uploaded["Pattern"]["detail"].pop("bucket") == {"name": [{"Ref": "ExportsBucket"}]}
    assert matches(event_of("ended"), died["Pattern"])
    assert matches(event_of("import_uploaded"), uploaded["Pattern"])
    assert not matches(event_of("sweep"), died["Pattern"])
    notified = template["Resources"]["ExportsBucket"]["Properties"]["NotificationConfiguration"]
    assert notified == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def event_of(folder: str) -> Any:
    return json.loads((ROOT / f"events/{folder}.json").read_text(encoding="utf-8"))


def matches(value: Any, pattern: Any) -> bool:
    """As much of EventBridge's patterns as the template uses."""
    if isinstance(pattern, dict) and "wildcard" not in pattern:
        return all(key in value and matches(value[key], each) for key, each in pattern.items())
    if isinstance(pattern, list):
        return any(matches(value, each) for each in pattern)
    return fnmatch(value, pattern["wildcard"]) if isinstance(pattern, dict) else value == pattern


def test_every_event_belongs_to_a_function(template: Template) -> None:
    for file in (ROOT / "events").iterdir():
        assert file.stem.partition("-")[0] in functions(template)


@pytest.mark.parametrize("origins", ["", "https://a.example", "https://a.example,http://b.example"])
def test_each_origin_is_one_after_the_transform(template: Template, origins: str) -> None:
    """The transform puts parameters' values in; it makes one string of a list."""
    translated = transformed({"CorsOrigins": origins})
    (api,) = of_type(translated, "AWS::ApiGatewayV2::Api").values()
    condition, cors, none = api["Properties"]["Body"]["x-amazon-apigateway-cors"]["Fn::If"]
    assert (condition, none) == ("OpensCors", {"Ref": "AWS::NoValue"})
    assert cors["allowOrigins"] == {"Fn::Split": [",", origins]}
    about = template["Parameters"]["CorsOrigins"]
    assert about["Type"] == "String"
    assert re.fullmatch(about["AllowedPattern"], origins)


@pytest.mark.parametrize("origins", ["https://a.example, https://b.example", "a.example,", ","])
def test_what_would_be_no_origin_is_refused(template: Template, origins: str) -> None:
    pattern = template["Parameters"]["CorsOrigins"]["AllowedPattern"]
    assert not re.fullmatch(pattern, origins)


def test_outputs_hold_lines_to_copy(template: Template) -> None:
    outputs = template["Outputs"]
    assert {"ApiUrl", "TableName", "ExportsBucketName", "ArchiveBucketName"} <= set(outputs)
    assert "chatledger keys bootstrap --stack " in outputs["FirstKey"]["Value"]["Fn::Sub"]
    assert "BootstrapFunctionName" in outputs
    curls = [value for name, value in outputs.items() if name.startswith("Curl")]
    assert len(curls) == 3
    assert all(curl["Value"]["Fn::Sub"].startswith("curl ") for curl in curls)
