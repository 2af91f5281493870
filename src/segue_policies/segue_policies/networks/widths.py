"""What the width of an attention network must be divisible by. No torch: settings are checked with it."""

from pydantic_core import PydanticCustomError


def check_width(width: int, heads: int, multiple: int = 1) -> None:
    """Raises PydanticCustomError unless `width` is a multiple of both (`multiple`: 2 for sines, 4 in x and y)."""
    if width % heads or width % multiple:
        wanted = f"a multiple of {multiple} and of heads" if multiple > 1 else "a multiple of heads"
        text = "width is {got}, expected {wanted} ({heads})"
        raise PydanticCustomError("width", text, {"got": width, "wanted": wanted, "heads": heads})
