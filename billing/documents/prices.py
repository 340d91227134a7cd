"""The price of a call as people read it: what a minute costs and how a call is rounded."""

from fractions import Fraction

from billing.core.money import yuan_exact
from billing.documents.words import Words
from billing.rate_book.call_price import MINUTE, Block, CallPrice
from billing.rate_book.quantity_price import price_text


def price_words(price: CallPrice, words: Words) -> str:
    """A price in words: `0.10 元/分钟（60/60）`, or block by block where it has no minute price."""
    told = []
    if price.connect_fee:
        told.append(words("price.connect_fee", amount=yuan_exact(price.connect_fee)))
    if price.schedule is not None and price.price_per_minute is not None:
        told.append(words("price.minute", amount=yuan_exact(price.price_per_minute), schedule=price.schedule))
    else:
        told.extend(_block_words(block, words) for block in price.blocks)
    if price.free_seconds:
        told.append(words(f"price.free_{price.free_seconds.reading}", seconds=price.free_seconds.seconds))
    return words("price.and").join(told)


def _block_words(block: Block, words: Words) -> str:
    amount = price_text(Fraction(block.sixtieths(), MINUTE))
    code = "price.first_block" if block.from_second == 0 else "price.later_block"
    return words(code, since=block.from_second, seconds=block.block_seconds, amount=amount)
