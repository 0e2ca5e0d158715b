"""``import tilelang`` means tiledsl; unknown names are refused when they are used."""

from __future__ import annotations

import importlib
import sys
import types

import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.compat import tilelang as alias_module
from tiledsl.compat.names import MODULES
from tiledsl.compat.refused import RefusedName
from tiledsl.diagnostics import ArgumentError, UnsupportedByTarget
from tiledsl.runtime.arrays import default_kind


@pytest.mark.usefixtures("alias")
def test_every_name_of_the_table_exists() -> None:
    for module, names in MODULES.items():
        loaded = importlib.import_module(module)
        for name in names:
            assert not isinstance(getattr(loaded, name), RefusedName) or (
                name == "AutoTuner"
            ), f"{module}.{name}"


@pytest.mark.usefixtures("alias")
def test_modules_do_not_hide_functions_of_the_same_name() -> None:
    import tilelang
    import tilelang.jit
    import tilelang.language

    assert tilelang.jit is tiledsl.jit
    assert tilelang.language.gemm is T.gemm
    assert tilelang.language.float16 == "float16"
    assert tilelang.math.next_power_of_2(9) == 16
    assert (
        tilelang.utils.tensor.torch_assert_close is tilelang.testing.torch_assert_close
    )
    assert tilelang.__file__


@pytest.mark.usefixtures("alias")
def test_star_imports() -> None:
    names: dict[str, object] = {}
    exec("from tilelang.autotuner import *", names)
    assert callable(names["autotune"])


@pytest.mark.usefixtures("alias")
def test_unknown_names_are_refused_when_used() -> None:
    from tilelang.carver.template import MatmulTemplate
    from tilelang.engine.callback import register_cuda_postproc_callback
    from tilelang.language import no_such_operation

    for name in (MatmulTemplate, register_cuda_postproc_callback, no_such_operation):
        with pytest.raises(UnsupportedByTarget, match="E0701"):
            name()
        with pytest.raises(UnsupportedByTarget, match="E0701"):
            name.anything()
        with pytest.raises(UnsupportedByTarget, match="E0701"):
            isinstance(1, name.anything)
        with pytest.raises(UnsupportedByTarget, match="E0701"):
            bool(name)

        def annotated(x: name.anything | None, y: int | name) -> name.anything: ...

    with pytest.raises(UnsupportedByTarget, match="cdiv"):
        import tilelang

        tilelang.cdivv(1, 2)


@pytest.mark.usefixtures("alias")
def test_a_refused_name_in_a_kernel_names_the_line() -> None:
    import tilelang.language as TL

    @TL.prim_func
    def kernel(X: TL.Tensor((4,), "float32")):
        with TL.Kernel(1):
            TL.no_such_operation(X)

    with pytest.raises(UnsupportedByTarget, match="no_such_operation") as caught:
        _ = kernel.function
    assert caught.value.span is not None


def test_install_and_uninstall() -> None:
    assert "tilelang" not in sys.modules
    assert default_kind() == "numpy"
    alias_module.install()
    alias_module.install()
    assert importlib.import_module("tilelang.language")
    assert default_kind() == "torch"
    alias_module.uninstall()
    assert "tilelang" not in sys.modules
    assert default_kind() == "numpy"


def test_the_real_package_is_not_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tilelang", types.ModuleType("tilelang"))
    with pytest.raises(ArgumentError, match="E0702"):
        alias_module.install()


@pytest.mark.usefixtures("alias")
def test_the_bundled_package() -> None:
    from tvm import DataType, tir

    assert DataType("int8").bits == 8
    with pytest.raises(UnsupportedByTarget, match=r"tvm\.tir"):
        tir.const(1)
