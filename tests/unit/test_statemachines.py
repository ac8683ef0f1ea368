"""The state machines: their states are the template's functions; each failure leads somewhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint import api

from tests.unit.test_template import (
    ROOT,
    STEPS,
    Template,
    every,
    of_type,
    statements,
    stem_of,
    template,
)

__all__ = ["template"]

MACHINES = sorted(STEPS)
IDS = {"organization", "export_id", "restore_id", "part", "error"}
# A function raises this where its job is over: cancelled, or ended by somebody else.
OVER = "Ended"

State = dict[str, Any]


def definition(machine: str) -> State:
    return json.loads((ROOT / f"statemachines/{machine}.asl.json").read_text(encoding="utf-8"))


def named_states(level: State) -> Iterator[tuple[str, State]]:
    """Every state with its name, those inside Maps too."""
    for name, state in level["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from named_states(state["ItemProcessor"])


def states(machine: str, kind: str) -> dict[str, State]:
    of_kind = [(n, s) for n, s in named_states(definition(machine)) if s["Type"] == kind]
    return dict(of_kind)


@pytest.mark.parametrize("machine", MACHINES)
def test_tasks_bear_the_names_of_the_functions_they_call(machine: str) -> None:
    tasks = states(machine, "Task")
    assert set(tasks) == {stem_of(folder) for folder in STEPS[machine]}
    for name, task in tasks.items():
        assert task["Resource"] == f"${{{name}FunctionArn}}"


@pytest.mark.parametrize("machine", MACHINES)
def test_no_name_stands_twice(machine: str) -> None:
    names = [name for name, _ in named_states(definition(machine))]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("machine", MACHINES)
def test_every_task_is_repeated_with_jitter_and_its_failure_caught(machine: str) -> None:
    for name, task in states(machine, "Task").items():
        over, passing, other = task["Retry"]
        assert (over["ErrorEquals"], over["MaxAttempts"]) == ([OVER], 0)
        assert {"StorageError", "Lambda.TooManyRequestsException"} <= set(passing["ErrorEquals"])
        assert other["ErrorEquals"] == ["States.ALL"]
        assert passing["MaxAttempts"] > other["MaxAttempts"] > 0
        assert {passing["JitterStrategy"], other["JitterStrategy"]} == {"FULL"}
        assert task["Catch"], name
        assert 15 * 60 < task["TimeoutSeconds"] < 16 * 60


@pytest.mark.parametrize("machine", MACHINES)
def test_what_fails_ends_its_job_and_what_is_over_ends_in_peace(machine: str) -> None:
    top = definition(machine)["States"]
    for name, state in top.items():
        leads_to = {tuple(c["ErrorEquals"]): c["Next"] for c in state.get("Catch", [])}
        if name == "Ended":
            assert leads_to == {("States.ALL",): "Failed"}
        elif state["Type"] == "Task":
            assert leads_to == {(OVER,): "Over", ("States.ALL",): "Ended"}
        elif state["Type"] == "Map":
            assert leads_to == {("States.ALL",): "Ended"}
    assert top["Ended"]["Next"] == "Failed"
    assert [name for name, state in top.items() if state["Type"] == "Fail"] == ["Failed"]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_part_of_a_job_that_is_over_does_not_fail_its_map(machine: str) -> None:
    """A Map would report it by another name, and the job would count as failed."""
    for each in states(machine, "Map").values():
        inner = each["ItemProcessor"]["States"]
        step = each["ItemProcessor"]["StartAt"]
        assert inner[step]["Catch"] == [
            {"ErrorEquals": [OVER], "ResultPath": None, "Next": f"{step}Done"}
        ]
        assert inner[f"{step}Again"]["Default"] == step
        assert inner[f"{step}Done"]["Result"] == {}


@pytest.mark.parametrize("machine", MACHINES)
def test_payloads_are_ids(machine: str) -> None:
    for task in states(machine, "Task").values():
        names = {name.removesuffix(".$") for name in task["Parameters"]}
        # Its own name tells an execution that is over from the next one of the same job.
        ends = {"name"} if task["Resource"] == "${EndedFunctionArn}" else set[str]()
        assert names - ends <= IDS
        assert ends <= names
        assert len(names) == len(task["Parameters"])
    for each in states(machine, "Map").values():
        assert {name.removesuffix(".$") for name in each["ItemSelector"]} <= IDS
        assert each["ItemReader"]["Parameters"].keys() == {"Bucket.$", "Key.$"}


@pytest.mark.parametrize("machine", MACHINES)
def test_parts_run_as_executions_of_their_own(machine: str) -> None:
    """A history ends at 25,000 events; each part has its own. What is not used is not relied on."""
    for each in states(machine, "Map").values():
        mode = each["ItemProcessor"]["ProcessorConfig"]
        assert mode == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        assert each["ResultPath"] is None
        assert 0 < each["MaxConcurrency"] <= 5
        assert not {"ResultWriter", "ItemBatcher"} & each.keys()


def test_nothing_is_cleared_before_all_is_verified_nor_left_uncounted() -> None:
    top = definition("export")["States"]
    ways = {name: state.get("Next") for name, state in top.items()}
    assert (ways["Plan"], ways["WriteParts"], ways["Finish"]) == (
        "WriteParts",
        "Finish",
        "ClearNow",
    )
    assert ways["VerifyParts"] == "ClearParts"
    assert ways["ClearParts"] == "Reconcile"
    assert [name for name, way in ways.items() if way == "ClearParts"] == ["VerifyParts"]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_gets_its_own_functions_and_nothing_else(
    template: Template, machine: str
) -> None:
    stem = machine.title()
    properties = template["Resources"][f"{stem}StateMachine"]["Properties"]
    assert properties["DefinitionUri"] == f"statemachines/{machine}.asl.json"
    assert properties["Type"] == "STANDARD"
    assert properties["Logging"]["IncludeExecutionData"] is False
    called = {f"{stem_of(folder)}Function" for folder in STEPS[machine]}
    given = properties["DefinitionSubstitutions"]
    assert given == {
        "Partition": {"Ref": "AWS::Partition"},
        **{f"{name}Arn": {"Fn::GetAtt": f"{name}.Arn"} for name in called},
    }
    invokes = next(s for s in statements(template, f"{stem}Machine") if s["Sid"] == "CallSteps")
    assert sorted(each["Fn::GetAtt"] for each in invokes["Resource"]) == sorted(
        f"{name}.Arn" for name in called
    )


def test_a_machine_may_start_and_stop_its_own_parts_only(template: Template) -> None:
    for name, policy in of_type(template, "AWS::IAM::Policy").items():
        stem = name.removesuffix("MachineMaps")
        start, follow = policy["Properties"]["PolicyDocument"]["Statement"]
        assert policy["Properties"]["Roles"] == [{"Ref": f"{stem}MachineRole"}]
        assert start["Resource"] == {"Ref": f"{stem}StateMachine"}
        assert follow["Resource"]["Fn::Sub"][0].endswith(
            f":execution:${{{stem}StateMachine.Name}}/*"
        )


@pytest.mark.parametrize("machine", MACHINES)
def test_the_language_is_spoken_well(machine: str) -> None:
    """cfn-lint knows it, but does not look into a file that SAM uploads."""
    names = {f"{stem_of(folder)}FunctionArn" for folder in STEPS[machine]}
    arn = "arn:aws:lambda:us-east-1:123456789012:function:step"
    text = json.dumps(definition(machine)).replace("${Partition}", "aws")
    for name in names:
        text = text.replace(f"${{{name}}}", arn)
    assert "${" not in text
    described = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": "arn:aws:iam::123456789012:role/machine",
                    "DefinitionString": text,
                },
            }
        }
    }
    found = api.lint_all(json.dumps(described))
    wrong = [match.message for match in found if match.rule.id.startswith(("E", "W"))]
    assert wrong == []


def test_every_state_leads_on_to_one_that_is_there() -> None:
    for machine in MACHINES:
        levels = [definition(machine), *every(definition(machine), "ItemProcessor")]
        for level in levels:
            ways = {*every(level["States"], "Next"), *every(level["States"], "Default")}
            inner = {n for each in every(level["States"], "ItemProcessor") for n in each["States"]}
            assert ways - inner <= level["States"].keys()
            reached = {level["StartAt"], *(ways - inner)}
            assert set(level["States"]) <= reached
