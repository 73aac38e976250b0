"""The one name of torchvision.transforms.functional that mosaicml-streaming's import needs."""


def to_tensor(picture: object) -> object:
    """Refuse: no test here turns pictures into tensors this way."""
    raise NotImplementedError("this is a stand-in for torchvision, which is not installed")
