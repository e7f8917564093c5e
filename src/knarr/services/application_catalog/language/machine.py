"""Bodies of methods: instructions compiled once from the data of the class file, then executed.

What an instruction gives back is None to go on, or a Signal that the blocks around it act upon.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knarr.services.application_catalog.language.assignment import assign
from knarr.services.application_catalog.language.contexts import caller
from knarr.services.application_catalog.language.errors import (
    Foreign,
    Frame,
    LimitReached,
    MuranoPlError,
    Position,
    SyntaxFault,
    Thrown,
)
from knarr.services.application_catalog.language.model import Method
from knarr.services.application_catalog.language.source import Expression, Mapped
from knarr.services.application_catalog.language.turns import MOST_THREADS

if TYPE_CHECKING:
    from knarr.services.application_catalog.language.session import Session

CAUGHT = "$?caught"


class Signal:
    """Why a block ends before its end."""

    __slots__ = ("value", "word")

    def __init__(self, word: str, value: Any = None) -> None:
        self.word = word
        self.value = value


BREAK = Signal("Break")
CONTINUE = Signal("Continue")

Execute = Callable[["Session", Any], Signal | None]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its place."""

    execute: Execute
    position: Position | None
    text: str = ""

    def run(self, session: Session, context: Any) -> Signal | None:
        session.limits.step()
        try:
            return self.execute(session, context)
        except MuranoPlError as error:
            error.passes(self.position, self.text)
            raise


@dataclass(frozen=True, slots=True)
class Block:
    """Instructions one after the other."""

    instructions: tuple[Instruction, ...]

    def run(self, session: Session, context: Any) -> Signal | None:
        for instruction in self.instructions:
            signal = instruction.run(session, context)
            if signal is not None:
                return signal
        return None


@dataclass(frozen=True, slots=True)
class Body:
    """What a method does."""

    block: Block
    name: str

    def run(self, session: Session, context: Any) -> Any:
        """The value that the method returns."""
        signal = self.block.run(session, context)
        if signal is None:
            return None
        if signal.word == "Return":
            return signal.value
        raise SyntaxFault(f"{signal.word} of method {self.name} stands in no loop")


def compiled(method: Method) -> Body:
    """The body of a method, compiled on its first use. Raises SyntaxFault."""
    # A method of a package is the same for all sessions: its file keeps what was made of it.
    keeper: Any = method.deferred or method
    if keeper.compiled is None:
        keeper.compiled = Body(block(method.body, method.position), method.name)
    body: Body = keeper.compiled
    return body


def block(data: Any, position: Position | None) -> Block:
    """A block of the class file: a list of instructions, or one alone."""
    if data is None:
        return Block(())
    rows = data if isinstance(data, list) else [data]
    return Block(tuple(_instruction(row, position) for row in rows))


def _instruction(row: Any, position: Position | None) -> Instruction:
    if isinstance(row, Expression):
        return Instruction(_expression(row), row.position, row.text)
    if isinstance(row, str):
        # A lone word is a value that nobody uses, but for the instructions that take nothing.
        if row in LONE:
            return Instruction(BUILDERS[(row,)](_lone(row, position)), position, row)
        raise SyntaxFault(f"{row[:64]!r} is no instruction", position)
    if isinstance(row, list):
        return Instruction(_nested(row, position), position)
    if not isinstance(row, Mapped):
        raise SyntaxFault(f"{str(row)[:64]!r} is no instruction", position)
    if len(row) == 1 and isinstance(next(iter(row)), Expression):
        target, value = next(iter(row.items()))
        return Instruction(_assignment(target, value), target.position, _shown(target.text, value))
    return Instruction(
        _construct(row), row.position, _shown(str(next(iter(row), "")), next(iter(row.values()), ""))
    )


def _shown(key: str, value: Any) -> str:
    """An instruction as stack traces tell it: its beginning."""
    return f"{key}: {value.text if isinstance(value, Expression) else '…'}"


def _lone(word: str, position: Position | None) -> Mapped:
    made = Mapped(position or Position("?", 1))
    made[word] = None
    return made


def _nested(rows: list[Any], position: Position | None) -> Execute:
    return block(rows, position).run


def _expression(expression: Expression) -> Execute:
    def execute(session: Session, context: Any) -> None:
        session.evaluate(expression, context)

    return execute


def _assignment(target: Expression, value: Any) -> Execute:
    def execute(session: Session, context: Any) -> None:
        assign(session, context, target, session.evaluate(value, context))

    return execute


def _construct(row: Mapped) -> Execute:
    """The control structure whose keys these are."""
    words = [key for key in row if isinstance(key, str)]
    if len(words) < len(row):
        raise SyntaxFault("an assignment stands alone in its mapping", row.position)
    for keys, build in BUILDERS.items():
        if keys[0] in row:
            unknown = [word for word in words if word not in keys]
            if unknown:
                raise SyntaxFault(
                    f"{keys[0]} has no part '{unknown[0]}' (it has: {', '.join(keys)})", row.position
                )
            return build(row)
    raise SyntaxFault(f"there is no instruction with {', '.join(words) or 'no keys'}", row.position)


def _need(row: Mapped, *keys: str) -> None:
    for key in keys:
        if key not in row:
            raise SyntaxFault(f"{next(iter(row))} needs the part '{key}'", row.position)


# Control structures


def _return(row: Mapped) -> Execute:
    value = row["Return"]
    return lambda session, context: Signal("Return", session.evaluate(value, context))


def _break(row: Mapped) -> Execute:
    return lambda session, context: BREAK


def _continue(row: Mapped) -> Execute:
    return lambda session, context: CONTINUE


def _do(row: Mapped) -> Execute:
    return block(row["Do"], row.position).run


def _if(row: Mapped) -> Execute:
    _need(row, "Then")
    predicate, then, other = (
        row["If"],
        block(row["Then"], row.position),
        block(row.get("Else"), row.position),
    )

    def execute(session: Session, context: Any) -> Signal | None:
        return (then if session.evaluate(predicate, context) else other).run(session, context)

    return execute


def _loop(session: Session, context: Any, body: Block) -> tuple[bool, Signal | None]:
    """(whether the loop ends here, the signal for what is around it)"""
    signal = body.run(session, context)
    if signal is None or signal is CONTINUE:
        return False, None
    return True, None if signal is BREAK else signal


def _while(row: Mapped) -> Execute:
    _need(row, "Do")
    predicate, body = row["While"], block(row["Do"], row.position)

    def execute(session: Session, context: Any) -> Signal | None:
        while session.evaluate(predicate, context):
            session.limits.step()
            ended, signal = _loop(session, context, body)
            if ended:
                return signal
        return None

    return execute


def _for(row: Mapped) -> Execute:
    _need(row, "In", "Do")
    name, items, body = row["For"], row["In"], block(row["Do"], row.position)
    if not isinstance(name, str):
        raise SyntaxFault("For names a variable, without the dollar", row.position)

    def execute(session: Session, context: Any) -> Signal | None:
        for item in _iterable(session.evaluate(items, context)):
            context["$" + name] = item
            ended, signal = _loop(session, context, body)
            if ended:
                return signal
        return None

    return execute


def _iterable(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise MuranoPlError(f"In needs a list, not {value!r}")
    return value


def _repeat(row: Mapped) -> Execute:
    _need(row, "Do")
    count, body = row["Repeat"], block(row["Do"], row.position)

    def execute(session: Session, context: Any) -> Signal | None:
        times = session.evaluate(count, context)
        if not isinstance(times, int) or isinstance(times, bool):
            raise MuranoPlError(f"Repeat needs a whole number, not {times!r}")
        for _ in range(times):
            session.limits.step()
            ended, signal = _loop(session, context, body)
            if ended:
                return signal
        return None

    return execute


def _match(row: Mapped) -> Execute:
    _need(row, "Value")
    cases = row["Match"] or {}
    if not isinstance(cases, Mapping):
        raise SyntaxFault("Match is a mapping of values to blocks", row.position)
    blocks = {key: block(value, row.position) for key, value in cases.items()}
    value, other = row["Value"], block(row.get("Default"), row.position)

    def execute(session: Session, context: Any) -> Signal | None:
        wanted = session.evaluate(value, context)
        for key, body in blocks.items():
            if key == wanted and type(key) is type(wanted):
                return body.run(session, context)
        return other.run(session, context)

    return execute


def _switch(row: Mapped) -> Execute:
    cases = row["Switch"] or {}
    if not isinstance(cases, Mapping):
        raise SyntaxFault("Switch is a mapping of predicates to blocks", row.position)
    blocks = [(key, block(value, row.position)) for key, value in cases.items()]
    other = block(row.get("Default"), row.position)

    def execute(session: Session, context: Any) -> Signal | None:
        matched = False
        for predicate, body in blocks:
            if session.evaluate(predicate, context):
                matched = True
                signal = body.run(session, context)
                if signal is not None:
                    return signal
        return None if matched else other.run(session, context)

    return execute


def _parallel(row: Mapped) -> Execute:
    body, limit = block(row["Parallel"], row.position), row.get("Limit")

    def execute(session: Session, context: Any) -> Signal | None:
        most = session.evaluate(limit, context) if limit is not None else None
        if most is not None and (not isinstance(most, int) or most < 1):
            raise MuranoPlError(f"Limit needs a number from 1 on, not {most!r}")
        return _side_by_side(session, context, body, most or MOST_THREADS)

    return execute


def _side_by_side(session: Session, context: Any, body: Block, most: int) -> Signal | None:
    """All instructions, at most so many at once. The first error ends the block once all have ended."""
    jobs = [functools.partial(one.run, session, context.create_child_context()) for one in body.instructions]
    signals = session.turns.side_by_side(jobs, most)
    return next((signal for signal in signals if signal is not None), None)


# Exceptions


@dataclass(frozen=True, slots=True)
class Catch:
    """One branch of a Try. Without names it takes everything."""

    names: tuple[Any, ...]
    variable: str | None
    body: Block

    def takes(self, error: MuranoPlError, session: Session, context: Any) -> bool:
        if not self.names:
            return True
        kind = caller(context)
        for name in self.names:
            text = str(session.evaluate(name, context) if isinstance(name, Expression) else name)
            wanted = {text, text.rpartition(":")[2] if ":" in text else text}
            if kind is not None and ("." not in text or ":" in text):
                wanted = {kind.namespaces.resolve(text), text}
            if wanted & set(error.names):
                return True
        return False


def _catch(row: Any, position: Position) -> Catch:
    if not isinstance(row, Mapped) or set(row) - {"With", "As", "Do"}:
        raise SyntaxFault("a Catch has the parts With, As and Do", position)
    names = row.get("With")
    listed = () if names is None else tuple(names) if isinstance(names, list) else (names,)
    variable = row.get("As")
    if variable is not None and not isinstance(variable, str):
        raise SyntaxFault("As names a variable, without the dollar", row.position)
    return Catch(listed, variable, block(row.get("Do"), row.position))


def _try(row: Mapped) -> Execute:
    body, other = block(row["Try"], row.position), block(row.get("Else"), row.position)
    last = block(row.get("Finally"), row.position)
    found = row.get("Catch")
    rows = [] if found is None else found if isinstance(found, list) else [found]
    catches = tuple(_catch(one, row.position) for one in rows)

    def guarded(session: Session, context: Any) -> Signal | None:
        try:
            signal = body.run(session, context)
        except LimitReached:
            raise
        except MuranoPlError as error:
            for catch in catches:
                if catch.takes(error, session, context):
                    return _handle(catch, error, session, context)
            raise
        return signal if signal is not None else other.run(session, context)

    def execute(session: Session, context: Any) -> Signal | None:
        try:
            signal = guarded(session, context)
        except LimitReached:
            raise
        except MuranoPlError:
            ended = last.run(session, context)
            if ended is not None:
                return ended
            raise
        ended = last.run(session, context)
        return ended if ended is not None else signal

    return execute


def _handle(catch: Catch, error: MuranoPlError, session: Session, context: Any) -> Signal | None:
    inner = context.create_child_context()
    inner[CAUGHT] = error
    if catch.variable:
        inner["$" + catch.variable] = session.store.exception_object(error)
    # What the branch assigns is the method's: only the exception itself stays inside of the branch.
    return catch.body.run(session, Overlay(inner, context).context)


class Overlay:
    """A context whose assignments go to the one below it, but for what it holds itself."""

    def __init__(self, inner: Any, outer: Any) -> None:
        held = set(inner.keys())
        kind = type(inner)

        class Held(kind):  # type: ignore[misc, valid-type]
            def __setitem__(self, name: str, value: Any) -> None:
                if self._normalize_name(name) in held:
                    super().__setitem__(name, value)
                else:
                    outer[name] = value

            def create_child_context(self) -> Any:
                return kind(self)

        self.context = Held(outer)
        for key in list(held):
            self.context._data[key] = inner[key]


def _throw(row: Mapped) -> Execute:
    names = row["Throw"]
    listed = names if isinstance(names, list) else [names]
    if not all(isinstance(name, (str, Expression)) and name for name in listed):
        raise SyntaxFault("Throw needs the name of an exception, or a list of names", row.position)

    def execute(session: Session, context: Any) -> None:
        kind = caller(context)
        resolved = []
        for name in listed:
            text = str(session.evaluate(name, context)) if isinstance(name, Expression) else name
            resolved.append(kind.namespaces.resolve(text) if kind is not None else text)
        cause = session.evaluate(row.get("Cause"), context)
        raise Thrown(
            tuple(resolved),
            str(session.evaluate(row.get("Message"), context) or ""),
            session.evaluate(row.get("Extra"), context),
            session.store.error_of(cause),
            row.position,
        )

    return execute


def _rethrow(row: Mapped) -> Execute:
    def execute(session: Session, context: Any) -> None:
        error = context[CAUGHT]
        if error is None:
            raise SyntaxFault("Rethrow stands in no Catch", row.position)
        raise error

    return execute


LONE = ("Break", "Continue", "Rethrow", "Return")

BUILDERS: dict[tuple[str, ...], Callable[[Mapped], Execute]] = {
    ("Return",): _return,
    ("Break",): _break,
    ("Continue",): _continue,
    ("If", "Then", "Else"): _if,
    ("While", "Do"): _while,
    ("For", "In", "Do"): _for,
    ("Repeat", "Do"): _repeat,
    ("Match", "Value", "Default"): _match,
    ("Switch", "Default"): _switch,
    ("Parallel", "Limit"): _parallel,
    ("Try", "Catch", "Else", "Finally"): _try,
    ("Throw", "Message", "Extra", "Cause"): _throw,
    ("Rethrow",): _rethrow,
    ("Do",): _do,
}
"""Control structures by their parts; the first one names the structure."""

__all__ = ["BUILDERS", "Block", "Body", "Foreign", "Frame", "Instruction", "Signal", "block", "compiled"]
