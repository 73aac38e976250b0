"""Stands in for torchvision, which mosaicml-streaming imports at once for image datasets that no test here uses."""
