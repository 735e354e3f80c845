"""Workers' places: each its own, and a dead worker's goes to the one that replaces it."""

from __future__ import annotations

from pytest_cosmos.plugin.workers import Places


def test_a_replacement_takes_the_place_of_the_dead() -> None:
    places = Places()
    assert [places.take(f"gw{n}") for n in range(3)] == [0, 1, 2]
    places.leave("gw1")
    assert places.take("gw3") == 1
    places.leave("gw0")
    places.leave("gw2")
    assert (places.take("gw4"), places.take("gw5")) == (0, 2)
    places.leave("never seen")
