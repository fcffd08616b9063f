"""A generation's record has the settings that decide its state and its lists, and no others."""

from typing import Any

import orjson

from streams.lifecycle.generation_record import created, fold_id_of, settings_from
from streams.settings import Settings
from tests.support.lifecycle_records import Book, said


def recorded(**changes: Any) -> Book:
    return Book(created("second", Settings(model="popularity", **changes), "log", **said()))


def read_back(book: Book) -> Settings:
    return settings_from(book.lifecycle, Settings(generation="second"), prefers="record")


def test_which_part_of_the_log_it_learns_is_read_back() -> None:
    found = read_back(recorded(learn_from=7, learn_until=9))
    assert (found.learn_from, found.learn_until) == (7, 9)
    assert (
        fold_id_of(found, "log")
        == recorded(learn_from=7, learn_until=9).lifecycle.generations["second"].created.fold_id
    )


def test_a_generation_that_learns_the_whole_log_has_the_record_that_it_had_before() -> None:
    book = recorded()
    settings = orjson.loads(book.lifecycle.generations["second"].created.settings)
    assert not {"learn_from", "learn_until"} & settings.keys()
    assert (read_back(book).learn_from, read_back(book).learn_until) == (0, None)
