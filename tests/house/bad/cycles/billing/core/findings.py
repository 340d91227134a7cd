from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .period import Period
