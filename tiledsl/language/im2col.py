"""``T.im2col`` (rule L65): patches of an image as rows of a matrix tile."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef, store
from tiledsl.frontend.builder import here
from tiledsl.frontend.operands import check_tile_statement
from tiledsl.frontend.values import ScalarLike, as_index, wrap
from tiledsl.ir.nodes import Parallel, index


def im2col(
    img: BufferRef,
    col: BufferRef,
    nhw_step: ScalarLike,
    c_step: ScalarLike,
    kernel: int,
    stride: int,
    dilation: int,
    pad: int,
) -> None:
    """Fills ``col`` (BM, BK) with patches of ``img`` (N, H, W, C), 0 outside the image.

    Row m = nhw_step * BM + i is the output pixel (n, oh, ow), column k = c_step * BK + j
    the tap (kh, kw, c), both row-major: the element is
    ``img[n, oh * stride + kh * dilation - pad, ow * stride + kw * dilation - pad, c]``.
    The kernel is square.  E0201: ranks other than 4 and 2; E0209: sizes that are not
    static ints.

    .. code-block:: python

        T.im2col(img, col, by, k, 3, 1, 1, 1)  # 3x3, stride 1, dilation 1, pad 1
    """
    builder = check_tile_statement("im2col")
    _check(img, col, kernel, stride, dilation, pad)
    _, height, width, channels = img.shape
    reach = dilation * (kernel - 1) + 1
    out_height = (height + 2 * pad - reach) // stride + 1
    out_width = (width + 2 * pad - reach) // stride + 1
    rows, columns = col.shape
    with builder.block("parallel") as block:
        extents = tuple(as_index(extent) for extent in (rows, columns))
        lanes = tuple(
            builder.declare_index(name, index(0), extent)
            for name, extent in zip("ij", extents, strict=True)
        )
        i, j = (wrap(var) for var in lanes)
        m = wrap(as_index(nhw_step)) * rows + i
        k = wrap(as_index(c_step)) * columns + j
        n = m // (out_height * out_width)
        oh, ow = m // out_width % out_height, m % out_width
        kh, kw, c = k // channels // kernel, k // channels % kernel, k % channels
        y = oh * stride + kh * dilation - pad
        x = ow * stride + kw * dilation - pad
        store(col.ir, (i.expr, j.expr), img[n, y, x, c])
    builder.emit(Parallel(lanes, extents, block.statements, span=here()))


def _check(img: BufferRef, col: BufferRef, *sizes: int) -> None:
    shapes = [x.shape if isinstance(x, BufferRef) else () for x in (img, col)]
    if [len(shape) for shape in shapes] != [4, 2]:
        raise KernelError(
            "E0201",
            "T.im2col takes an image (N, H, W, C) and a tile (BM, BK)",
            span=here(),
            got=f"{shapes[0]} and {shapes[1]}",
        )
    kernel, stride, dilation, pad = sizes
    static = all(isinstance(size, int) for size in sizes)
    if not static or min(kernel, stride, dilation) < 1 or pad < 0:
        raise KernelError(
            "E0209",
            "T.im2col takes static ints",
            span=here(),
            expected="kernel, stride and dilation of at least 1, pad of at least 0",
            got=brief(sizes),
        )
