"""Word lists that `words` draws from."""

from __future__ import annotations


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


VOCABULARY: dict[str, tuple[str, ...]] = {
    "word": _split(
        "amber basket canyon dapple ember fable garnet harbor indigo juniper kettle lantern meadow nectar "
        "orchard pebble quartz ripple saffron timber umber velvet willow yonder zephyr"
    ),
    "first-name": _split(
        "Ada Bruno Chiara Dmitri Elif Farid Greta Hugo Ines Jonas Keiko Lars Maya Nadia Otto Priya Quentin "
        "Rosa Samir Tove Ursula Viktor Wanda Yusuf Zoe"
    ),
    "last-name": _split(
        "Abel Bakker Castro Dahl Egger Fischer Garcia Haddad Ivanov Jensen Kowalski Lopez Moreau Novak "
        "Okafor Petrov Quist Rossi Silva Tanaka Ueda Varga Weber Yilmaz Zeman"
    ),
    "city": _split(
        "Amsterdam Bergen Cordoba Dresden Evora Florence Ghent Hamburg Innsbruck Jaipur Krakow Lyon Malaga "
        "Nagoya Odense Porto Quebec Riga Seville Turin Utrecht Vienna Warsaw York Zagreb"
    ),
    "country": _split("AT BE CA CH CZ DE DK ES FR GB HR IN IT JP NL NO PL PT SE US"),
    "company": ("Acme", "Birch & Co", "Copperline", "Driftwood", "Evergreen", "Fernhill", "Graystone", "Halcyon"),
    "product": (
        "Desk lamp", "Oak chair", "Wool blanket", "Cast iron pan", "Tea kettle", "Linen apron", "Wall clock",
        "Bread board", "Garden shears", "Picnic basket", "Coffee mill", "Reading light", "Canvas bag", "Steel flask",
    ),
}  # fmt: skip
"""Name -> words."""
