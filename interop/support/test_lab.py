import pytest

from support.lab import entered


def test_the_environment_of_a_script() -> None:
    script = "unset NO_PROXY no_proxy\nexport A='b=c d'\nexport Q='it'\\''s'\n"
    assert entered(script, {"no_proxy": "*", "HOME": "/"}) == {"HOME": "/", "A": "b=c d", "Q": "it's"}


def test_another_line_is_an_error() -> None:
    with pytest.raises(ValueError, match="source"):
        entered("source other.sh", {})
