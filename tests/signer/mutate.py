"""Requests made worse, by a seeded hand: bytes, fields, lists and PSBTs."""

import base64
import copy
from random import Random
from typing import Any

from tests.signer.judge import psbt_maps, psbt_text, transaction
from tidegate.signing.frames import canonical

NUMBERS: tuple[Any, ...] = (0, 1, -1, 2**31, 2**32, 2**63, 2**64, 2**256, 10**60, True, None, "1", 1.5, [])


def mutated(random: Random, document: dict[str, Any], others: list[dict[str, Any]], strange: list[str]) -> bytes:
    """The bytes of a message that differs from `document` somewhere; `others` and `strange` lend it parts."""
    document = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        random.choice((_field, _field, _payouts, _psbt_bytes, _psbt_parts, _psbt_parts, _part_of_another))(
            random, document, others, strange
        )
    data = canonical(document)
    return _flipped(random, data) if random.random() < 0.1 else data


def _flipped(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 3)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _leaves(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(document, dict):
        return [leaf for key in document for leaf in _leaves(document[key], (*path, key))]
    if isinstance(document, list):
        return [leaf for place in range(len(document)) for leaf in _leaves(document[place], (*path, place))]
    return [path]


def _field(random: Random, document: dict[str, Any], others: list[dict[str, Any]], strange: list[str]) -> None:
    path = random.choice(_leaves(document) or [()])
    if not path:
        return
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    old = parent[path[-1]]
    if random.random() < 0.05 and isinstance(parent, dict):
        del parent[path[-1]]
    elif type(old) is int:
        near = (old + 1, old - 1, old * 2, old // 2, old * 9 // 8, old + 10**6)
        parent[path[-1]] = random.choice((*near, random.choice(NUMBERS)))
    elif isinstance(old, str) and path[-1] != "psbt":
        letters = list(old or "a")
        letters[random.randrange(len(letters))] = random.choice("0123456789abcdefABCXqp\0\n é")
        parent[path[-1]] = random.choice((*strange, old.upper(), old[:-1], old + "0", "", "".join(letters)))
    elif isinstance(old, str):
        parent[path[-1]] = random.choice((old[:-4], old + old, "", old.lower()))


def _payouts(random: Random, document: dict[str, Any], others: list[dict[str, Any]], _: list[str]) -> None:
    payouts = document.get("body", {}).get("payouts")
    if not isinstance(payouts, list) or not payouts:
        return
    pool = [one for other in others for one in other["body"].get("payouts", ())]
    which = random.randrange(5)
    if which == 0:
        payouts.pop(random.randrange(len(payouts)))
    elif which == 1:
        payouts.append(copy.deepcopy(random.choice(payouts)))
    elif which == 2:
        payouts.append(copy.deepcopy(random.choice(pool)))
    elif which == 3:
        payouts[random.randrange(len(payouts))] = copy.deepcopy(random.choice(pool))
    else:
        one = random.choice(payouts)
        if isinstance(one, dict):
            one["authorisation"] = copy.deepcopy(random.choice(pool)["authorisation"])


def _part_of_another(random: Random, document: dict[str, Any], others: list[dict[str, Any]], _: list[str]) -> None:
    body, other = document.get("body"), random.choice(others)["body"]
    shared = [name for name in other if isinstance(body, dict) and name in body]
    if shared:
        name = random.choice(shared)
        body[name] = copy.deepcopy(other[name])  # type: ignore[index]  # checked when `shared` was made


def _psbt_bytes(random: Random, document: dict[str, Any], _: list[dict[str, Any]], __: list[str]) -> None:
    body = document.get("body", {})
    try:
        data = bytearray(base64.b64decode(body["psbt"], validate=True))
    except (KeyError, TypeError, ValueError):
        return
    if not data:
        return
    place = random.randrange(len(data))
    which = random.randrange(4)
    if which <= 1:
        data = bytearray(_flipped(random, bytes(data)))
    elif which == 2:
        del data[place : place + random.randint(1, 40)]
    else:
        data[place:place] = random.randbytes(random.randint(1, 8))
    body["psbt"] = base64.b64encode(bytes(data)).decode()


def _psbt_parts(random: Random, document: dict[str, Any], others: list[dict[str, Any]], _: list[str]) -> None:
    """A PSBT that is whole, and says something else."""
    body = document.get("body", {})
    foreign = [other["body"]["psbt"] for other in others if "psbt" in other["body"]]
    try:
        maps, lent = psbt_maps(body["psbt"]), psbt_maps(random.choice(foreign))
        inside, other = transaction(dict(maps[0])[b"\0"]), transaction(dict(lent[0])[b"\0"])
    except (AssertionError, IndexError, KeyError, TypeError, ValueError):
        return  # broken by an earlier hand
    inputs, outputs = len(inside.inputs), len(inside.outputs)
    if not inputs or not outputs or len(maps) != 1 + inputs + outputs:
        return
    into, out = random.randrange(inputs), random.randrange(outputs)
    units, script = inside.outputs[out]
    which = random.randrange(11)
    if which == 0:
        inside.outputs[out] = (max(0, units + random.choice((1, -1, 1000, -1000, -units))), script)
    elif which == 1:
        inside.outputs[out] = (units, random.choice(other.outputs)[1])
    elif which == 2:
        inside.outputs[out] = (units, b"\0\x14" + random.randbytes(20))
    elif which == 3:
        extra = random.randrange(1, 2_000)
        inside.outputs[out] = (max(0, units - extra), script)
        inside.outputs.append((extra, b"\0\x14" + random.randbytes(20)))
        maps.append(copy.deepcopy(maps[1 + inputs + out]))
    elif which == 4:
        inside.outputs.pop(out)
        maps.pop(1 + inputs + out)
    elif which == 5:
        inside.outputs.append((units, script))
        maps.append(copy.deepcopy(maps[1 + inputs + out]))
    elif which == 6:
        place = random.randrange(len(other.inputs))
        inside.inputs.append(other.inputs[place])
        maps.insert(1 + inputs, lent[1 + place])
    elif which == 7:
        kind = random.choice((0, 2, 3, 0x81, 0x82, 0x83, 1, 255))
        maps[1 + into] = [p for p in maps[1 + into] if p[0] != b"\3"] + [(b"\3", kind.to_bytes(4, "little"))]
    elif which == 8:
        maps[1 + into] = [p for p in maps[1 + into] if p[0] != random.choice((b"\0", b"\1"))]
    elif which == 9:
        parents = [pair for pair in lent[1] if pair[0] == b"\0"]
        maps[1 + into] = [p for p in maps[1 + into] if p[0] != b"\0"] + parents
    else:
        claims = [pair for pairs in (*maps[1:], *lent[1:]) for pair in pairs if pair[0][0] in (2, 6)]
        if claims:
            maps[1 + inputs + out] = [(b"\2" + claims[0][0][1:], random.choice(claims)[1])]
    maps[0] = [(b"\0", inside.plain()), *[pair for pair in maps[0] if pair[0] != b"\0"]]
    body["psbt"] = psbt_text(maps)
