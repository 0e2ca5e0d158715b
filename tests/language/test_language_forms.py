"""Allocations, launches, loops, hints and annotations."""

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import Allocate, Apply, Buffer, Var, index
from tiledsl.ir.printer import print_function


def test_allocations(builder, emitted) -> None:
    tile = T.alloc_fragment((4, 8), "float16")
    assert emitted() == Allocate(
        Buffer("fragment", (index(4), index(8)), tile.dtype, "fragment")
    )
    T.alloc_shared(5, "int8")
    assert emitted().buffer.shape == (index(5),)
    assert T.alloc_buffer((4,), "int8", scope="local.fragment").scope == "fragment"
    assert T.alloc_local((4,), "int8").scope == "local"
    assert T.alloc_shared((4,), "int8", scope="shared.dyn").scope == "shared"


@pytest.mark.parametrize("shape", [(0,), (-1,), (4, None), (1.5,), (True,)])
def test_extents_of_tiles(builder, shape) -> None:
    with pytest.raises(KernelError, match="E0320"):
        T.alloc_shared(shape, "int8")


def test_tiles_are_static(builder) -> None:
    with pytest.raises(KernelError, match=r"E0320.*static"):
        T.alloc_shared((T.dynamic("n"),), "int8")


def test_where_allocations_stand(builder) -> None:
    with builder.block("parallel"):
        for allocate in (T.alloc_shared, T.alloc_fragment, T.alloc_global):
            with pytest.raises(KernelError, match="E0212"):
                allocate((4,), "int8")
        T.alloc_local((4,), "int8")
        T.alloc_var("int8")
    with pytest.raises(KernelError, match="E0212"):
        T.alloc_global((4,), "int8")
    host = Builder()
    with host.activate(), host.block("host") as block:
        T.alloc_global((T.dynamic("n"), 4), "int8")
        for allocate in (T.alloc_shared, T.alloc_local):
            with pytest.raises(KernelError, match="E0212"):
                allocate((4,), "int8")
        with pytest.raises(KernelError, match="E0212"):
            T.alloc_var("int32")
    assert block.statements[0].buffer.scope == "global"


def test_a_variable_starts_at_zero_or_its_value(builder, emitted) -> None:
    T.alloc_var("float16")
    assert emitted().value.value == 0.0
    T.alloc_var("int32", 7)
    assert emitted().value.value == 7
    with pytest.raises(KernelError, match="E0302"):
        T.alloc_var("int8", init=300)


def test_launches(builder) -> None:
    m = T.dynamic("m")
    spec = T.Kernel(4, T.ceildiv(m, 64), threads=(32, 4))
    assert spec.grid == (index(4), Apply("ceildiv", (Var("m", INDEX), index(64))))
    assert spec.threads == (32, 4) and T.Kernel(1).threads == (128,)
    assert T.Kernel(threads=32).grid == (index(1),)
    with pytest.raises(KernelError, match="E0211"):
        T.Kernel(1, 2, 3, 4)
    with pytest.raises(KernelError, match="E0320"):
        T.Kernel(-1)
    for threads in (0, -3, 1.5, "128", (), (1, 2, 3, 4), True):
        with pytest.raises(KernelError, match="E0211"):
            T.Kernel(1, threads=threads)


def test_block_bindings(builder) -> None:
    with pytest.raises(KernelError, match="E0211"):
        T.get_block_binding()
    var = builder.declare_index("bx", index(0), index(4))
    assert T.get_block_binding(0).expr == var
    with pytest.raises(KernelError, match="E0211"):
        T.get_block_binding(1)
    assert len(T.get_block_bindings()) == 1


def test_loops(builder) -> None:
    n = T.dynamic("n")
    spec = T.serial(1, n, 2)
    axis = spec.axes[0]
    assert (axis.start, axis.stop, axis.step) == (index(1), n.expr, index(2))
    assert T.Pipelined(4, num_stages=3).stages == 3
    assert T.unroll(4).kind == "unroll" and T.Vectorized(4).kind == "vectorized"
    assert len(T.grid(2, n).axes) == 2 and T.grid(2, n).kind == "serial"
    assert T.Parallel(2, n, coalesced_width=4).kind == "parallel"
    for bad in (lambda: T.serial(0, 4, 0), lambda: T.Pipelined(4, num_stages=-1),
                lambda: T.Pipelined(4, num_stages="2"), lambda: T.Parallel(),
                lambda: T.grid()):  # fmt: skip
        with pytest.raises(KernelError, match="E0213"):
            bad()
    with pytest.raises(KernelError, match="E0311"):
        T.serial(1.5)


def test_hints_are_checked_for_type(builder, buffer) -> None:
    tile = buffer("tile", (4,), "float32", "shared")
    T.use_swizzle(8)
    T.annotate_layout({tile: T.Layout((4,), lambda i: i)})
    T.annotate_l2_hit_ratio({tile: 0.5})
    T.annotate_min_blocks_per_sm(2)
    T.annotate_compile_flags(["-O3"])
    T.annotate_pass_configs({"a": 1})
    T.Fragment((4,), forward_fn=None).repeat((2,)).replicate(2).condense_rep_var()
    assert not builder.scopes[-1].statements
    for bad in (lambda: T.use_swizzle("8"), lambda: T.annotate_layout([1]),
                lambda: T.annotate_l2_hit_ratio({tile: 2}), lambda: T.Layout((4,), 3),
                lambda: T.annotate_min_blocks_per_sm(0),
                lambda: T.annotate_compile_flags(3),
                lambda: T.annotate_pass_configs(None)):  # fmt: skip
        with pytest.raises(KernelError, match="E0217"):
            bad()


def test_barriers_without_threads_say_nothing(builder) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "int32")):
        with T.Kernel(4) as bx:
            T.sync_threads()
            for _ in T.serial(X[bx]):
                T.sync_warp()
            X[bx] = 1

    text = print_function(kernel.function)
    assert "barrier" not in text.lower() and "sync" not in text
    for count in (0, True, "4"):
        with pytest.raises(KernelError, match="E0209"):
            T.sync_threads(1, count)
    with builder.block("parallel"), pytest.raises(KernelError, match="E0210"):
        T.sync_threads()


def test_safe_values_are_checked(builder, buffer) -> None:
    A = buffer("A", (4,), "int8")
    for bad in ({A: 300}, {A: T.dynamic("n")}, {3: 1}, [A]):
        with pytest.raises(KernelError, match=r"E0216|E0302"):
            T.annotate_safe_value(bad)
    T.annotate_safe_value({A: 1})
    T.annotate_safe_value({A: 1.0})


def test_coordinates() -> None:
    assert T.index_to_coordinates(37, (8, 10)) == (3, 7)
    assert T.index_to_coordinates(123, (4, 5, 7)) == (3, 2, 4)


def test_strided_tensors_in_both_forms() -> None:
    n = T.dynamic("n")
    called = T.StridedTensor((4, n), (n, 1), "int8")
    written = T.StridedTensor[[4, n], [n, 1], "int8"]
    assert called.dtype == written.dtype == "int8"
    assert T.StridedTensor[(4,), (2,)].dtype == "float32"
    for bad in ((4,), ((4,),), ((4, 4), (1,), "int8")):
        with pytest.raises(KernelError, match="E0320"):
            T.StridedTensor[bad]
