import pytest


@pytest.mark.xdist_group("group")
def test_groups_are_known_to_the_scheduler(request: pytest.FixtureRequest) -> None:
    """It reads the name of a group from the end of the test's own."""
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@group")
