"""What `gate`, `canary`, `promote` and `rollback` do: they ask the gate, and change the plan."""

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import typer

from streams.addresses import Addresses
from streams.cli import EXIT_NO, console
from streams.cli.generations.opened_journal import (
    OpenedJournal,
    append,
    check_valid,
    unknown,
)
from streams.settings import Settings
from topics.errors import SettingsError

if TYPE_CHECKING:
    from streams.lifecycle.journal import Journal
    from streams.lifecycle.lifecycle import Lifecycle
    from streams.lifecycle.promotion_gate import Asks, Condition, Gate
    from streams.lists.serving_plan import Plan

_PERCENT = 100


def share_of(text: str) -> int:
    """A share of the listeners in ten-thousandths; raises `SettingsError`.

    >>> share_of("12.5%"), share_of("0")
    (1250, 0)
    """
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= _PERCENT:
        raise SettingsError(f"{text} is no share.", "Give a share of 0% to 100%.")
    share = round(percent * _PERCENT)
    if not share and percent:
        raise SettingsError(f"{text} is less than one listener in 10,000.", "Give 0.01% or more.")
    return share


def gate(settings: Settings, addresses: Addresses, lifecycle: "Lifecycle", name: str) -> "Gate":
    """The gate of a generation beside the stable one, as things are now.

    Waits until its recommenders are heard once more: one that died a moment ago never is.
    """
    from streams.lifecycle.overview import statuses_heard_anew, statuses_of
    from streams.lifecycle.promotion_gate import gate_of

    def shards(each: str) -> int:
        return lifecycle.generations[each].shards

    if name not in lifecycle.generations:
        raise unknown(name)
    stable = lifecycle.plan.stable or name
    ours, log_end = asyncio.run(statuses_heard_anew(settings, addresses, name, shards(name)))
    theirs, _ = asyncio.run(statuses_of(settings, addresses, stable, shards(stable)))
    return gate_of(lifecycle, (name, stable), ours, theirs, log_end)


def asked(settings: Settings, *, gated: bool, force: bool = False) -> "Asks":
    """Which conditions a promotion has to meet."""
    from streams.lifecycle.promotion_gate import Asks

    if gated and force:
        raise SettingsError("--gated and --force contradict each other.", "Leave one of them out.")
    if force:
        return Asks.HARD
    return Asks.ALL if gated or settings.gated else Asks.NOT_WORSE


def show_gate(found: "Gate", asks: "Asks", *, json: bool) -> None:
    """Prints a gate; exit code 1 if it is shut."""
    from streams.cli.generations.view import gate_lines
    from streams.lifecycle.promotion_gate import Asks

    shut = found.shut_by(asks)
    if json:
        conditions = [each._asdict() for each in found.conditions]
        is_gated = asks is Asks.ALL
        console.print_json({"open": not shut, "gated": is_gated, "conditions": conditions})
    else:
        for line in gate_lines(found.conditions, shut):
            console.out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_NO if shut else 0)


class PlanChange(NamedTuple):
    """A change of the plan, and why."""

    cause: str
    """A name of `ServingCause`."""
    name: str
    """The generation that it is about, whose gate is asked."""
    why: str
    stable: str | None = None
    """None: the stable generation stays."""
    canary: str | None = None
    share: int = 0
    """The canary's share of the listeners, in ten-thousandths."""


def change_plan(
    opened: OpenedJournal,
    decided: "Lifecycle",
    change: PlanChange,
    *,
    json: bool,
    asks: "Asks | None" = None,
    is_dry: bool = False,
) -> None:
    """Changes the plan, unless it is no longer the one that `decided` has.

    Asks the gate before that, unless `asks` is None: then nothing is waited for, and whoever is not
    heard is named once the plan was changed.
    """
    from streams.lifecycle.journal import operation
    from topics.lifecycle import ServingCause, ServingChanged

    settings, addresses, journal = opened
    evidence, warnings = _gate_passed(opened, decided, change.name, asks)
    record = ServingChanged(
        cause=ServingCause(change.cause),
        stable=change.stable or decided.plan.stable,
        canary=change.canary,
        share=change.share,
        expected=decided.plan.version,
        evidence=orjson.dumps(evidence).decode(),
        **operation(change.why, settings.who),
    )
    if is_dry:
        check_valid(decided, record)
        now: Plan | ServingChanged = record
        is_set = False
    else:
        append(journal, decided, record, "", json=False)
        is_set = _set_pointer(settings, addresses, journal)
        now = journal.lifecycle.plan
    if asks is None and (is_set or is_dry):  # without Redis nobody is heard
        warnings = _not_heard(settings, addresses, decided, record.stable)
    result = {
        "valid": True,
        "version": journal.lifecycle.plan.version,
        "stable": now.stable,
        "canary": now.canary,
        "share": now.share,
        "pointer": "set" if is_set else "not set: a dry run" if is_dry else "waits for redis",
        "warnings": warnings,
        "evidence": evidence,
    }
    if json:
        console.print_json(result)
    else:
        _say(result, is_dry=is_dry)


def _not_heard(
    settings: Settings, addresses: Addresses, lifecycle: "Lifecycle", name: str
) -> list[str]:
    """A warning if recommenders of a generation do not run: its lists get no newer."""
    from streams.lifecycle.overview import statuses_of
    from streams.lifecycle.promotion_gate import ALIVE, conditions

    shards = lifecycle.generations[name].shards
    statuses, log_end = asyncio.run(statuses_of(settings, addresses, name, shards))
    return [
        f"{each.name}: {each.says}, so that lists of {name} get no newer"
        for each in conditions(statuses, log_end)
        if each.name == ALIVE and not each.ok
    ]


def _set_pointer(settings: Settings, addresses: Addresses, journal: "Journal") -> bool:
    from streams.lifecycle.overview import set_pointer

    return asyncio.run(set_pointer(settings, addresses, journal))


def _gate_passed(
    opened: OpenedJournal, decided: "Lifecycle", name: str, asks: "Asks | None"
) -> tuple[dict[str, Any], list[str]]:
    """The evidence for the journal, and warnings; exit code 1 if the gate is shut."""
    if asks is None:
        return {}, []
    found = gate(opened.settings, opened.addresses, decided, name)
    if shut := found.shut_by(asks):
        _refuse(name, shut)
    open_ones = [f"{each.name}: {each.says}" for each in found.unmet]
    return found.evidence(asked=asks.value), open_ones


def _refuse(name: str, shut: "Sequence[Condition]") -> None:
    is_forceable = all(each.forceable for each in shut)
    console.failure(
        f"{name} may not serve listeners: {'; '.join(f'{e.name}: {e.says}' for e in shut)}.",
        f"`echotune generations promote {name} --force --why ...` promotes it all the same."
        if is_forceable
        else "Wait for it, or see `echotune generations list`.",
    )
    raise typer.Exit(EXIT_NO)


def _say(result: dict[str, Any], *, is_dry: bool) -> None:
    """Says what was changed, or would be, and what is not known to be good."""
    for each in result["warnings"]:
        console.say(f"warning: {each}")
    canary = f"{result['canary']} {result['share'] / 100:g} %" if result["canary"] else ""
    if is_dry:
        for each in result["evidence"].get("conditions", []):
            console.say(f"{'ok ' if each['ok'] else '?  '} {each['name']}: {each['says']}")
        beside = f" and {canary}" if canary else ""
        console.say(f"nothing was changed; {result['stable']} would serve all listeners{beside}")
        return
    is_set = result["pointer"] == "set"
    pointer = "the pointer is set" if is_set else "the pointer is set when Redis answers"
    beside = f", {canary}" if canary else ""
    console.say(f"{result['stable']} serves all listeners{beside}; {pointer}")


def set_autopilot(
    opened: OpenedJournal,
    name: str,
    why: str,
    *,
    is_armed: bool,
    steps: str,
    dwell: str,
    json: bool,
) -> None:
    """Arms the autopilot of a generation, or disarms it."""
    from streams.lifecycle.catching_up import seconds_of
    from streams.lifecycle.journal import operation
    from topics.lifecycle import AutopilotSet

    settings, _, journal = opened
    decided = journal.read()
    if name not in decided.generations:
        raise unknown(name)
    shares = tuple(share_of(each.strip()) for each in steps.split(",") if each.strip())
    dwell_s = math.ceil(seconds_of(dwell))
    said = operation(why, settings.who)
    record = AutopilotSet(name=name, is_armed=is_armed, steps=shares, dwell_s=dwell_s, **said)
    way = ", ".join([*(f"{each / 100:g} %" for each in shares), "all listeners"])
    says = (
        f"the autopilot of {name} is armed: {way}, {dwell_s} s apart; `echotune run`, or "
        "`echotune worker keeper`, carries it out"
        if is_armed
        else f"the autopilot of {name} is disarmed"
    )
    append(journal, decided, record, says, json=json)
