"""DynamoDB: the real table."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from chatledger.aws import clients, wire
from chatledger.aws.table import (
    Absent,
    AbsentOrPast,
    Between,
    Condition,
    ConditionFailed,
    Delete,
    Equals,
    Key,
    Page,
    Put,
    TransactionRefused,
    Update,
)
from chatledger.aws.wire import Item
from chatledger.errors import StorageError

# Short, because a function has seconds, not minutes; the ledger repeats what is safe to repeat.
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 2},
    connect_timeout=2,
    read_timeout=4,
    max_pool_connections=32,
)
MAX_BATCH_KEYS = 100
_BATCH_ROUNDS = 8
_BUSY = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}


class DynamoTable:
    """The real table."""

    def __init__(self, name: str, client: Any = None) -> None:
        self.name = name
        self.client: Any = client or clients.client("dynamodb", CONFIG)
        wire.read_pages_raw(self.client)

    def get(self, key: Key) -> Item | None:
        answer = self._call("get_item", Key=wire.encode_key(key.pk, key.sk), ConsistentRead=True)
        return wire.decode_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        found: dict[Key, Item] = {}
        unique = list(dict.fromkeys(keys))
        for start in range(0, len(unique), MAX_BATCH_KEYS):
            for item in self._batch(unique[start : start + MAX_BATCH_KEYS]):
                found[Key(wire.text(item, "PK"), wire.text(item, "SK"))] = item
        return found

    def _batch(self, keys: Sequence[Key]) -> Iterator[Item]:
        """BatchGetItem answers what it can; the rest is asked for again."""
        wanted: list[Any] = [wire.encode_key(key.pk, key.sk) for key in keys]
        for round_ in range(_BATCH_ROUNDS):
            time.sleep(0.02 * 2**round_ if round_ else 0)
            request = {self.name: {"Keys": wanted, "ConsistentRead": True}}
            answer = self._call("batch_get_item", RequestItems=request)
            for raw in answer["Responses"].get(self.name, []):
                yield wire.decode_item(raw)
            wanted = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            if not wanted:
                return
        raise StorageError

    def page(
        self,
        pk: str,
        *,
        between: Between | None = None,
        after: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Page:
        request: dict[str, Any] = {
            "KeyConditionExpression": "PK = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        if between:
            request["KeyConditionExpression"] += " AND SK BETWEEN :first AND :last"
            request["ExpressionAttributeValues"][":first"] = {"S": between.first}
            request["ExpressionAttributeValues"][":last"] = {"S": between.last}
        if after is not None:
            request["ExclusiveStartKey"] = wire.encode_key(pk, after)
        if limit is not None:
            request["Limit"] = limit
        return Page(*wire.page_of(self._call("query", **request)))

    def put(self, item: Item, when: Condition | None = None) -> None:
        self._call("put_item", **_put(Put(item, when)))

    def update(self, update: Update) -> Item:
        answer = self._call("update_item", ReturnValues="ALL_NEW", **_update(update))
        return wire.decode_item(answer["Attributes"])

    def delete(self, key: Key, when: Condition | None = None) -> None:
        self._call("delete_item", **_delete(Delete(key, when)))

    def transact(self, writes: Sequence[Put | Update | Delete]) -> None:
        requests: list[dict[str, Any]] = []
        for write in writes:
            name, request = _transact_item(write)
            requests.append({name: {"TableName": self.name, **request}})
        try:
            self.client.transact_write_items(TransactItems=requests)
        except ClientError as error:
            raise _transaction_error(error) from error
        except (HTTPClientError, UnreachableError) as error:
            raise StorageError from error

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        if operation != "batch_get_item":
            request["TableName"] = self.name
        try:
            return getattr(self.client, operation)(**request)
        except ClientError as error:
            raise _error(error) from error
        except (HTTPClientError, UnreachableError) as error:
            raise StorageError from error


def _error(error: ClientError) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed()
    return StorageError() if _is_busy(code, error) else error


def _transaction_error(error: ClientError) -> Exception:
    """Only a failed condition refuses; a conflict or a throttle is to be repeated as it was."""
    code = error.response.get("Error", {}).get("Code", "")
    if code != "TransactionCanceledException":
        return _error(error)
    reasons: list[dict[str, Any]] = list(error.response.get("CancellationReasons", []))  # type: ignore[typeddict-item]
    codes = [str(reason.get("Code") or "None") for reason in reasons]
    failed = [place for place, code in enumerate(codes) if code == "ConditionalCheckFailed"]
    if failed:
        return TransactionRefused(failed)
    return StorageError() if any(code in _BUSY for code in codes) else error


def _is_busy(code: str, error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _BUSY or status >= 500


def _transact_item(write: Put | Update | Delete) -> tuple[str, dict[str, Any]]:
    match write:
        case Put():
            return "Put", _put(write)
        case Update():
            return "Update", _update(write)
        case Delete():
            return "Delete", _delete(write)


def _put(put: Put) -> dict[str, Any]:
    return {"Item": wire.encode_item(put.item), **_condition(put.when)}


def _delete(delete: Delete) -> dict[str, Any]:
    return {"Key": wire.encode_key(delete.key.pk, delete.key.sk), **_condition(delete.when)}


def _update(update: Update) -> dict[str, Any]:
    request = _condition(update.when)
    names: dict[str, str] = request.setdefault("ExpressionAttributeNames", {})
    values: dict[str, Any] = request.setdefault("ExpressionAttributeValues", {})
    clauses: list[str] = []
    for verb, sign, attributes in (("SET", " = ", update.put), ("ADD", " ", update.add)):
        parts: list[str] = []
        for name, value in attributes.items():
            place = _named(names, name)
            values[f":{place[1:]}"] = wire.encode(value)
            parts.append(f"{place}{sign}:{place[1:]}")
        if parts:
            clauses.append(f"{verb} {', '.join(parts)}")
    if update.remove:
        clauses.append(f"REMOVE {', '.join(_named(names, name) for name in update.remove)}")
    request["Key"] = wire.encode_key(update.key.pk, update.key.sk)
    request["UpdateExpression"] = " ".join(clauses)
    return request


def _named(names: dict[str, str], name: str) -> str:
    """A placeholder for an attribute's name, which may be a reserved word."""
    placeholder = f"#{len(names)}"
    names[placeholder] = name
    return placeholder


def _condition(when: Condition | None) -> dict[str, Any]:
    match when:
        case None:
            return {}
        case Absent():
            return {"ConditionExpression": "attribute_not_exists(PK)"}
        case Equals(name, value):
            return {
                "ConditionExpression": "#when = :when",
                "ExpressionAttributeNames": {"#when": name},
                "ExpressionAttributeValues": {":when": wire.encode(value)},
            }
        case AbsentOrPast(name, value):
            return {
                "ConditionExpression": "attribute_not_exists(PK) OR #when < :when",
                "ExpressionAttributeNames": {"#when": name},
                "ExpressionAttributeValues": {":when": wire.encode(value)},
            }
