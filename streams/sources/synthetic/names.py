"""Generated names by number; equal numbers give equal names, different numbers different ones."""

_BEGIN = [
    "ash",
    "bra",
    "cor",
    "dul",
    "em",
    "fen",
    "gri",
    "hol",
    "ist",
    "jun",
    "kel",
    "lum",
    "mor",
    "nim",
    "ost",
    "pra",
    "quil",
    "ru",
    "sel",
]
_MIDDLE = ["a", "e", "i", "o", "u", "ari", "eno"]
_END = ["bin", "dra", "fex", "gan", "lim", "mond", "ner", "pel", "rin", "sk", "tain", "vo", "zel"]
_WORDS = len(_BEGIN) * len(_MIDDLE) * len(_END)
NAMES = _WORDS**2
"""Number of different names of two words; larger numbers wrap around."""
_STRIDE = 1_847_575
"""Coprime to `NAMES` and near its golden section, so that neighbours have dissimilar names."""
_FORMS = ("{} {}", "{} {}", "The {} {}", "{} of {}", "{} & {}")
_FIRST_NAMES = ("ada", "anna", "ben", "cleo", "dov", "eda", "finn", "gus", "hana", "ivo", "june")
_LAST_NAMES = ("alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine")


def two_words(number: int) -> str:
    """Name of an artist, an album or a track.

    >>> two_words(0), two_words(1), two_words(2)
    ('Ashabin Ashabin', 'Emarin Praopel', 'The Junagan Lumafex')
    """
    first, second = divmod(number * _STRIDE % NAMES, _WORDS)
    return _FORMS[number % len(_FORMS)].format(_word(first), _word(second))


def _word(number: int) -> str:
    number, begin = divmod(number, len(_BEGIN))
    end, middle = divmod(number, len(_MIDDLE))
    return f"{_BEGIN[begin]}{_MIDDLE[middle]}{_END[end]}".capitalize()


def listener_name(listener: int) -> str:
    """Id of a listener.

    >>> listener_name(0), listener_name(17)
    ('ada-alder-0', 'finn-birch-17')
    """
    first = _FIRST_NAMES[listener % len(_FIRST_NAMES)]
    return f"{first}-{_LAST_NAMES[listener // len(_FIRST_NAMES) % len(_LAST_NAMES)]}-{listener}"
