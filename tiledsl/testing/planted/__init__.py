"""Kernels with one defect each, for checked mode to find."""

from tiledsl.testing.planted.detection import (
    Detection,
    detected_classes,
    detections,
)

__all__ = ["Detection", "detected_classes", "detections"]
