"""Random thread code without races, and what it means: all threads in lockstep.

A program is nested tuples.  ``source`` writes it in the language, ``Lockstep`` runs it on
arrays with one element per thread, and shares nothing with the lowering.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

VARIABLES = ("a", "b", "c")
Statement = tuple
Block = Sequence[Statement]


class Writer:
    """Makes a program; ``threads`` and every choice follow from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.threads = self.random.choice([5, 32, 40, 64])
        self.loops = 0
        self.returns = self.random.random() < 0.3

    def program(self) -> Block:
        return self.block(5, 3, uniform=True, in_loop=False)

    def block(self, size: int, depth: int, *, uniform: bool, in_loop: bool) -> Block:
        made: list[Statement] = []
        for _ in range(self.random.randint(1, size)):
            made.append(self.statement(depth, uniform, in_loop))
        return made

    def statement(self, depth: int, uniform: bool, in_loop: bool) -> Statement:
        kinds = ["set", "set", "put", "get", "reduce", "count"]
        kinds += ["exchange", "shared", "peek", "poke", "hold"] if uniform else []
        kinds += ["shuffle"] if uniform and not self.returns else []
        kinds += ["if", "if", "for", "spread", "while"] if depth else []
        kinds += ["leave"] if in_loop else []
        kinds += ["return"] if self.returns else []
        return getattr(self, f"_{self.random.choice(kinds)}")(depth, uniform, in_loop)

    def expr(self) -> str:
        atoms = [*VARIABLES, "t", "t", str(self.random.randint(-9, 9)), "u"]
        atoms += [f"T.int32(i{k})" for k in range(self.loops)]
        a, b, c = (self.random.choice(atoms) for _ in range(3))
        op, other = self.random.choices(["+", "-", "*", "^", "&"], k=2)
        return f"(({a} {op} {b}) {other} {c})"

    def condition(self) -> str:
        return f"{self.expr()} % {self.random.randint(2, 4)} == {self.random.randint(0, 1)}"

    def variable(self) -> str:
        return self.random.choice(VARIABLES)

    def _set(self, *_: object) -> Statement:
        return "set", self.variable(), self.expr()

    def _put(self, *_: object) -> Statement:
        return "put", f"{self.expr()} & 3", self.expr()

    def _get(self, *_: object) -> Statement:
        return "get", self.variable(), f"{self.expr()} & 3"

    def _reduce(self, *_: object) -> Statement:
        return (
            "reduce",
            self.variable(),
            self.random.choice(["sum", "max"]),
            self.expr(),
        )

    def _count(self, *_: object) -> Statement:
        return "count", f"{self.expr()} & 1", self.expr()

    def _exchange(self, *_: object) -> Statement:
        return "exchange", self.variable(), self.expr(), self.random.randint(0, 9)

    def _shared(self, *_: object) -> Statement:
        return "shared", str(self.random.randint(1, 3))

    def _peek(self, *_: object) -> Statement:
        return "peek", self.variable(), self.random.randint(0, 4)

    def _poke(self, *_: object) -> Statement:
        value = self.random.choice(["u * 3", "s[{0}] + u", "n[1] - u"])
        place = self.random.randint(0, 4)
        return "poke", place, value.format(place)

    def _hold(self, *_: object) -> Statement:
        return "hold", self.variable(), self.random.randint(0, 4), self.expr()

    def _shuffle(self, *_: object) -> Statement:
        return "shuffle", self.variable(), self.expr(), self.random.choice([1, 2, 16])

    def _if(self, depth: int, uniform: bool, in_loop: bool) -> Statement:
        same = uniform and self.random.random() < 0.3
        condition = (
            f"u % 2 == {self.random.randint(0, 1)}" if same else self.condition()
        )
        arms = [
            self.block(3, depth - 1, uniform=uniform and same, in_loop=in_loop)
            for _ in range(self.random.randint(1, 2))
        ]
        return "if", condition, *arms

    def _for(self, depth: int, uniform: bool, in_loop: bool) -> Statement:
        bounds = "0", str(self.random.randint(1, 4)), "1"
        return self.loop(bounds, depth, uniform)

    def _spread(self, depth: int, uniform: bool, in_loop: bool) -> Statement:
        start = f"t % {self.random.randint(2, 4)}"
        return self.loop((start, "5", self.random.choice("12")), depth, False)

    def loop(self, bounds: tuple[str, ...], depth: int, uniform: bool) -> Statement:
        index = self.loops
        self.loops += 1
        leaves = self.random.random() < 0.4
        # threads that leave at different places no longer go together
        inside = uniform and not leaves
        body = self.block(3, depth - 1, uniform=inside, in_loop=leaves)
        self.loops -= 1
        return "for", index, bounds, body

    def _while(self, depth: int, uniform: bool, in_loop: bool) -> Statement:
        limit = f"t % {self.random.randint(2, 4)}"
        leaves = self.random.random() < 0.4
        index = self.loops
        self.loops += 1
        body = self.block(3, depth - 1, uniform=False, in_loop=leaves)
        self.loops -= 1
        return "while", index, limit, body

    def _leave(self, *_: object) -> Statement:
        return "if", self.condition(), [(self.random.choice(["break", "continue"]),)]

    def _return(self, *_: object) -> Statement:
        return "if", f"{self.condition()} and t % 5 == 1", [("return",)]


# ---------------------------------------------------------------------- spelling


def source(program: Block, threads: int) -> str:
    lines = [
        "def kernel(X):",
        f"    X: T.Tensor(({threads},), 'int32')",
        f"    Y = T.empty((8, {threads}), 'int32')",
        f"    with T.Kernel(1, threads={threads}):",
        "        tx = T.get_thread_binding()",
        "        t = T.int32(tx)",
        f"        s = T.alloc_shared(({threads},), 'int32')",
        "        n = T.alloc_shared((2,), 'int32')",
        "        p = T.alloc_local((4,), 'int32')",
        "        u = T.alloc_var('int32', init=1)",
        "        T.clear(n)",
        "        T.clear(p)",
        "        s[tx] = 0",
        *(f"        {v} = T.alloc_var('int32', init=X[tx])" for v in VARIABLES),
        *_lines(program, 2, threads),
        *(f"        Y[{k}, tx] = {v}" for k, v in enumerate(VARIABLES)),
        "        for k in T.serial(4):",
        "            Y[3 + k, tx] = p[k]",
        "        if tx < 2:",
        "            Y[7, tx] = n[tx]",
        "        else:",
        "            Y[7, tx] = s[tx]",
        "    return Y",
    ]
    return "\n".join(lines) + "\n"


def _lines(block: Block, depth: int, threads: int) -> list[str]:
    found: list[str] = []
    for statement in block:
        found += [f"{'    ' * depth}{line}" for line in _one(statement, threads)]
    return found


SIMPLE = {
    "set": "{0} = {1}",
    "put": "p[{0}] = {1}",
    "get": "{0} = p[{1}]",
    "reduce": "{0} = T.warp_reduce_{1}({2})",
    "count": "T.atomic_add(n[{0}], {1})",
    "exchange": "s[tx] = {1}\n{0} = s[(tx + {2}) % {threads}]",
    "shared": "u = u + {0}",
    "peek": "{0} = s[{1}]",
    "poke": "s[{0}] = {1}",
    "hold": "h = s[{1}]\ns[tx] = {2}\n{0} = h + s[tx]",
    "shuffle": "{0} = T.shfl_down({1}, {2})",
    "return": "T.thread_return()",
    "break": "break",
    "continue": "continue",
}


def _one(statement: Statement, threads: int) -> list[str]:
    kind, *parts = statement
    if kind in SIMPLE:
        return SIMPLE[kind].format(*parts, threads=threads).splitlines()
    if kind == "if":
        lines = [f"if {parts[0]}:", *_lines(parts[1], 1, threads)]
        for arm in parts[2:]:
            lines += ["else:", *_lines(arm, 1, threads)]
        return lines
    k, control, body = parts
    if kind == "for":
        head = [f"for i{k} in T.serial({', '.join(control)}):"]
    else:
        head = [f"w{k} = T.alloc_var('int32', init=0)", f"while w{k} < {control}:"]
        head += [f"    w{k} = w{k} + 1", f"    i{k} = w{k} + 0"]
    return [*head, *_lines(body, 1, threads)]


# ----------------------------------------------------------------------- meaning


class Lockstep:
    """Runs a program; ``active`` says which threads take part."""

    def __init__(self, x: np.ndarray) -> None:
        self.threads = len(x)
        self.t = np.arange(self.threads, dtype=np.int32)
        self.names = {name: x.copy() for name in VARIABLES}
        self.names |= {"t": self.t, "u": np.ones_like(x)}
        self.p = np.zeros((4, self.threads), np.int32)
        self.s, self.n = np.zeros_like(x), np.zeros(2, np.int32)
        self.returned = np.zeros(self.threads, bool)
        # for each loop around: who has left it, who has left the iteration
        self.left: list[np.ndarray] = []
        self.skipped: list[np.ndarray] = []

    def value(self, expr: str) -> np.ndarray:
        names = {"T": SimpleNamespace(int32=lambda x: x), **self.names}
        text = expr.replace(" and ", ") & (")
        result = eval(f"({text})", {}, names)
        whole = np.broadcast_to(np.asarray(result), (self.threads,))
        return whole if whole.dtype == bool else whole.astype(np.int32)

    def here(self, active: np.ndarray) -> np.ndarray:
        """Who of ``active`` still takes part."""
        gone = self.returned.copy()
        for flags in (*self.left, *self.skipped):
            gone |= flags
        return active & ~gone

    def run(self, block: Block, active: np.ndarray) -> None:
        for statement in block:
            self.step(statement, self.here(active))

    def step(self, statement: Statement, active: np.ndarray) -> None:
        if active.any():
            getattr(self, f"_{statement[0]}")(active, *statement[1:])

    def keep(self, name: str, value: np.ndarray, active: np.ndarray) -> None:
        self.names[name] = np.where(active, value, self.names[name]).astype(np.int32)

    def _set(self, active, var, expr):
        self.keep(var, self.value(expr), active)

    def _put(self, active, index, expr):
        at, value = self.value(index), self.value(expr)
        self.p[at[active], self.t[active]] = value[active]

    def _get(self, active, var, index):
        self.keep(var, self.p[self.value(index), self.t], active)

    def _reduce(self, active, var, op, expr):
        value, result = self.value(expr), np.zeros(self.threads, np.int32)
        for first in range(0, self.threads, 32):
            warp = active & (self.t // 32 == first // 32)
            if warp.any():
                total = value[warp].max() if op == "max" else value[warp].sum()
                result[warp] = np.int64(total).astype(np.int32)
        self.keep(var, result, active)

    def _count(self, active, index, expr):
        np.add.at(self.n, self.value(index)[active], self.value(expr)[active])

    def _exchange(self, active, var, expr, k):
        self.s = np.where(active, self.value(expr), self.s).astype(np.int32)
        self.keep(var, self.s[(self.t + k) % self.threads], active)

    def _peek(self, active, var, k):
        self.keep(var, self.s[k], active)

    def _poke(self, active, k, expr):
        self.names |= {"s": self.s, "n": self.n}
        self.s[k] = self.value(expr)[0]

    def _hold(self, active, var, k, expr):
        held = self.s[k]
        self.s = np.where(active, self.value(expr), self.s).astype(np.int32)
        self.keep(var, held + self.s, active)

    def _shared(self, active, step):
        self.names["u"] = self.names["u"] + np.int32(int(step))

    def _shuffle(self, active, var, expr, k):
        other = np.where(self.t % 32 + k < 32, self.t + k, self.t)
        inside = other < self.threads
        value = self.value(expr)[np.minimum(other, self.threads - 1)]
        self.keep(var, np.where(inside, value, 0), active)

    def _if(self, active, condition, then, *otherwise):
        holds = self.value(condition).astype(bool)
        self.run(then, active & holds)
        for arm in otherwise:
            self.run(arm, active & ~holds)

    def _for(self, active, k, bounds, body):
        start, stop, step = map(self.value, bounds)
        self.loop(active, body, k, lambda turn: start + turn * step < stop,
                  lambda turn: start + turn * step)  # fmt: skip

    def _while(self, active, k, limit, body):
        self.loop(active, body, k, lambda turn: turn < self.value(limit),
                  lambda turn: np.full(self.threads, turn + 1, np.int32))  # fmt: skip

    def loop(self, active, body, k, goes_on, index):
        self.left.append(np.zeros(self.threads, bool))
        turn = 0
        while (running := self.here(active) & goes_on(turn)).any():
            self.names[f"i{k}"] = index(turn).astype(np.int32)
            self.skipped.append(np.zeros(self.threads, bool))
            self.run(body, running)
            self.skipped.pop()
            turn += 1
        self.left.pop()

    def _break(self, active):
        self.left[-1] |= active

    def _continue(self, active):
        self.skipped[-1] |= active

    def _return(self, active):
        self.returned |= active

    def result(self, x: np.ndarray, program: Block) -> np.ndarray:
        """What the kernel writes; None of it in threads that returned."""
        with np.errstate(over="ignore"):
            self.run(program, np.ones(self.threads, bool))
        last = np.where(self.t < 2, self.n[np.minimum(self.t, 1)], self.s)
        rows = [self.names[name] for name in VARIABLES]
        return np.stack([*rows, *self.p, last])
