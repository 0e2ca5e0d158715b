"""Tracing eager functions: arguments declared in the body, outputs returned (L7-L11).

``T.const`` takes its values from the arguments, but Python needs them before it gets to
know where they stand.  So the function runs with symbols until an annotation gives some
of them a value, and then starts again; only its first lines run more than once.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.activation import TraceState
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.captures import enclosing_names
from tiledsl.frontend.parameters import is_runtime, make_parameter
from tiledsl.frontend.prim_func import plain_parameters, reserve_dims
from tiledsl.frontend.rewritten import Rewritten, rewritten
from tiledsl.frontend.symbols import known_constants
from tiledsl.frontend.syntax import bare_annotations
from tiledsl.frontend.tensor_types import ConstSymbol, TensorType
from tiledsl.frontend.trace import check_dims, finished, stage_for, tracing
from tiledsl.ir.nodes import (
    Accumulate,
    Atomic,
    Block,
    Buffer,
    Copy,
    Fill,
    Function,
    Gemm,
    Reduce,
    Sort,
    Store,
    Var,
)
from tiledsl.ir.visitor import walk

Entry = Literal["shape", "strides"]


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """What an eager trace needs to know of an array; strides in elements."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConstSource:
    """The entry of an argument that gives a ``T.const`` its value."""

    name: str
    parameter: str
    entry: Entry
    axis: int


@dataclass(frozen=True, slots=True)
class TracedEager:
    """``inputs``: the arguments of each call, in order; outputs follow them in params."""

    function: Function
    inputs: tuple[str, ...]
    sources: tuple[ConstSource, ...]


class EagerFunction:
    """A function in eager form.  ``candidates`` may be arguments of each call."""

    def __init__(
        self, python: object, enclosing: Mapping[str, object] | None = None
    ) -> None:
        self.twin = rewritten(python)
        self.python = self.twin.original
        plain_parameters(self.twin)
        self.signature = inspect.signature(self.python)
        scope = {**(enclosing or {}), **enclosing_names(self.python)}
        self.annotations = {
            name: _evaluated(annotation, self.python.__globals__, scope)
            for name, annotation in self.python.__annotations__.items()
        }
        annotated = {
            name
            for name, annotation in self.annotations.items()
            # Python's own int, float and bool say what a static value is
            if is_runtime(annotation) and not isinstance(annotation, type)
        }
        declared = bare_annotations(self.twin.source.tree)
        self.candidates = tuple(
            name for name in self.signature.parameters if name in annotated | declared
        )

    def trace(
        self,
        static: Mapping[str, object],
        arrays: Mapping[str, ArrayShape],
        constants: Mapping[str, int],
    ) -> TracedEager:
        """The function for these static values and values of ``T.const``.

        ``arrays``: shapes from which missing constants are solved.
        """
        known = dict(constants)
        sources: list[ConstSource] = []
        while True:
            attempt = _Attempt(self, dict(static), arrays, _Constants(known), sources)
            try:
                return attempt.run()
            except _Restart:
                known |= attempt.solved


class _Restart(BaseException):
    """Some constants have a value now.  No Exception, so that nothing catches it."""


class _Constants(dict[str, int]):
    """The known values of ``T.const``, remembering which unknown ones were asked for."""

    def __init__(self, known: Mapping[str, int]) -> None:
        super().__init__(known)
        self.missing: set[str] = set()

    def __contains__(self, name: object) -> bool:
        known = super().__contains__(name)
        if not known:
            self.missing.add(str(name))
        return known


class Undeclared:
    """An argument whose annotation has not run: it can only be compared with None.

    Or it has run, and contains a ``T.const`` without a value.
    """

    def __init__(self, name: str, unsolved: ConstSymbol | None = None) -> None:
        self._name = name
        self._unsolved = unsolved

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        self._refuse()

    def __getitem__(self, _: object) -> NoReturn:
        self._refuse()

    def __setitem__(self, _: object, value: object) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        if self._unsolved is not None:
            self._unsolved.read()
        raise KernelError(
            "E0614",
            f"the argument {self._name} is used before its annotation",
            span=here(),
            hint=f"put `{self._name}: T.Tensor(...)` above this line",
        )

    def __repr__(self) -> str:
        return f"<argument {self._name}, not declared yet>"


@dataclass(slots=True, eq=False)
class _Attempt:
    """One run of the function with the constants known so far."""

    owner: EagerFunction
    static: dict[str, object]
    arrays: Mapping[str, ArrayShape]
    constants: _Constants
    sources: list[ConstSource]
    builder: Builder = field(default_factory=Builder)
    params: dict[str, Buffer | Var] = field(default_factory=dict)
    solved: dict[str, int] = field(default_factory=dict)

    def run(self) -> TracedEager:
        twin = self.owner.twin
        state = TraceState(self.builder, declare=self.declare)
        with tracing(state, twin) as top, known_constants(self.constants):
            arguments = {name: self._argument(twin, name) for name in self._names()}
            result = twin.run(stage_for(state, twin), **arguments)
            outputs = self._outputs(result)
        return self._traced(outputs, top.statements)

    def _names(self) -> Iterator[str]:
        yield from self.owner.signature.parameters

    def _argument(self, twin: Rewritten, name: str) -> object:
        annotation = self.owner.annotations.get(name)
        if name in self.static:
            return self.static[name]
        if name in self.owner.candidates and is_runtime(annotation):
            parts = plain_parameters(twin)
            place = next(part for part in parts if part.arg == name)
            self.builder.span = twin.source.span(place)
            return self.declare(name, None, annotation)
        return Undeclared(name)

    # -------------------------------------------------------------- annotations

    def declare(self, name: str, old: object, annotation: object) -> object:
        """The statement ``name: annotation``, or an annotation of the signature."""
        if name not in self.owner.candidates or not is_runtime(annotation):
            return self._local_annotation(name, old, annotation)
        if name in self.params:
            return old
        if isinstance(annotation, TensorType):
            self._solve(name, annotation)
            unsolved = _unsolved(annotation)
            if unsolved is not None:  # a later annotation may give its value
                return Undeclared(name, unsolved)
            reserve_dims(self.builder, annotation, name)
        self.params[name], known_as = make_parameter(self.builder, name, annotation)
        return known_as

    def _local_annotation(self, name: str, old: object, annotation: object) -> object:
        if isinstance(annotation, TensorType):
            raise KernelError(
                "E0604",
                f"{name} is no parameter of {self.owner.python.__name__}",
                span=here(),
                hint=f"{name} = T.empty(...) declares an output",
            )
        return old

    def _solve(self, name: str, tensor: TensorType) -> None:
        """Finds constants that stand alone in an entry of this tensor."""
        array = self.arrays.get(name)
        if array is None:
            return
        entries: tuple[Entry, ...] = ("shape", "strides")
        for entry in entries:
            declared = getattr(tensor, entry) or ()
            actual: tuple[int, ...] = getattr(array, entry)
            for axis, symbol in enumerate(declared[: len(actual)]):
                alone = isinstance(symbol, ConstSymbol) and symbol.alone
                if alone and symbol.name not in self.solved:
                    last = entry == "shape" and axis == len(actual) - 1
                    pairs = last and tensor.dtype.is_packed
                    self.solved[symbol.name] = actual[axis] * (2 if pairs else 1)
                    self.sources.append(ConstSource(symbol.name, name, entry, axis))
        if self.solved:
            raise _Restart

    # ------------------------------------------------------------------ outputs

    def _outputs(self, result: object) -> list[BufferRef]:
        """The outputs in the order returned; all that were declared, as they are."""
        declared = [
            part for part in self.builder.outputs if isinstance(part, BufferRef)
        ]
        returned = [] if result is None else [result]
        if isinstance(result, tuple | list):
            returned = list(result)
        for part in returned:
            if not any(part is output for output in declared):
                raise KernelError(
                    "E0606",
                    "an eager kernel returns its outputs, as T.empty made them",
                    span=self.builder.span,
                    got=brief(part),
                )
        missing = [out for out in declared if not any(out is part for part in returned)]
        if missing or len(returned) != len(declared):
            raise KernelError(
                "E0606",
                "every T.empty output is returned once",
                span=missing[0].ir.span if missing else self.builder.span,
                got=f"{missing[0].ir.name} not returned" if missing else "one twice",
            )
        return [part for part in returned if isinstance(part, BufferRef)]

    def _traced(self, outputs: list[BufferRef], body: Block) -> TracedEager:
        source = self.owner.twin.source
        inputs = tuple(name for name in self._names() if name in self.params)
        params = tuple(self.params[name] for name in inputs)
        results = tuple(output.ir for output in outputs)
        positions = tuple(range(len(params), len(params) + len(results)))
        name, span = self.owner.python.__name__, source.span(source.tree)
        self._check_constants()
        every = (*params, *results)
        function = finished(name, every, body, span, positions, builder=self.builder)
        _check_written(function)
        check_dims(function)
        return TracedEager(function, inputs, tuple(self.sources))

    def _check_constants(self) -> None:
        missing = sorted(self.constants.missing)
        if missing:
            source = self.owner.twin.source
            raise KernelError(
                "E0605",
                f"no argument gives the T.const {', '.join(missing)} a value",
                span=source.span(source.tree),
                expected="each T.const alone in an entry of a tensor's shape or strides",
                hint=f"or pass it by keyword: .compile({missing[0]}=...)",
            )


def _unsolved(tensor: TensorType) -> ConstSymbol | None:
    """A ``T.const`` without a value in the shape or strides, if there is one."""
    entries = (*tensor.shape, *(tensor.strides or ()))
    return next((part for part in entries if isinstance(part, ConstSymbol)), None)


def _evaluated(
    annotation: object, global_names: dict[str, object], scope: Mapping[str, object]
) -> object:
    """A string annotation's value; None if it has none, as for types of checkers only."""
    try:
        while type(annotation) is str:  # a dtype is a str, too
            annotation = eval(annotation, global_names, dict(scope))
    except Exception:
        return None
    return annotation


def _check_written(function: Function) -> None:
    """Refuses an output that no statement writes (rule L11)."""
    written: set[str] = set()
    for node in (part for statement in function.body for part in walk(statement)):
        match node:
            case Store() | Accumulate() | Atomic():
                written.add(node.buffer.root)
            case Copy() | Fill() | Reduce() | Sort():
                written.add(node.target.buffer.root)
            case Gemm():
                written.add(node.c.buffer.root)
    for position in function.outputs:
        output = function.params[position]
        if output.name not in written:
            raise KernelError(
                "E0607",
                f"the output {output.name} is never written",
                span=output.span,
                hint="write every output in some T.Kernel",
            )
