"""What a case is, and how a file of them is written: the way the project's formatter would."""

import json

WIDTH = 120


def case(id: str, spec: str, verdict: str, comment: str = "", flags: tuple | list = (), **rest) -> dict:
    assert verdict in ("valid", "invalid", "acceptable"), id
    return {"id": id, "spec": spec, "verdict": verdict, "flags": list(flags), "comment": comment, **rest}


def suite(name: str, about: str, flags: dict, cases: list, **rest) -> dict:
    """A file. `flags`: name → (bugType, effect). Every flag must be used and told."""
    used = {flag for each in cases for flag in each["flags"]}
    assert used == set(flags), (name, used ^ set(flags))
    ids = [each["id"] for each in cases]
    assert len(ids) == len(set(ids)), (name, sorted(each for each in ids if ids.count(each) > 1))
    table = {flag: {"bugType": kind, "effect": effect} for flag, (kind, effect) in flags.items()}
    head = {"$schema": "./schema.json", "suite": name, "protocol": 1, "about": about, "count": len(cases)}
    return {**head, "flags": table, **rest, "cases": cases}


def text(line: bytes) -> str:
    return line.decode("latin-1")


def written(value, indent: int = 0, prefix: int = 0, wide: bool = True) -> str:
    """JSON: what fits on a line stands on one, but for the objects of the first levels (`wide`)."""
    flat = one_line(value)
    if not isinstance(value, (dict, list)) or not value:
        return flat
    if not (wide and isinstance(value, dict)) and indent + prefix + len(flat) + 1 <= WIDTH and not broken(value):
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        top = indent == 0
        items = []
        for key, each in value.items():
            head = f"{one_line(key)}: "
            items.append(head + written(each, indent + 2, len(head), top and key == "cases"))
    else:
        items = [written(each, indent + 2, 0, wide) for each in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(items) + f"\n{' ' * indent}{closing}"


def broken(value) -> bool:
    """A list of several objects or lists is written over several lines."""
    if isinstance(value, dict):
        return any(broken(each) for each in value.values())
    if not isinstance(value, list):
        return False
    many = len(value) > 1 and all(isinstance(each, dict) and len(each) > 1 for each in value)
    return many or any(broken(each) for each in value)


def one_line(value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{one_line(k)}: {one_line(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(one_line(each) for each in value) + "]"
    return json.dumps(value)
