"""The one name of torchvision.datasets that mosaicml-streaming's import needs."""


class VisionDataset:
    """A base class that is imported and never made."""

    def __init__(self, *arguments: object, **options: object) -> None:
        raise NotImplementedError("this is a stand-in for torchvision, which is not installed")
