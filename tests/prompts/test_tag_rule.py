"""The rule for tag lists, by stand-ins: what it does with words, not which words it has."""

import pytest

from modules.prompts.tag_rule import TAG_RULE, TagRule

RULE = TagRule(never=("zorp", "ぞるぷ"), young=("sapling*", "green shoot"), explicit=("thorn", "spike*"), harmless=("zorp fashion",))


@pytest.mark.parametrize("tag", ["zorp", "ZORP", "tiny_zorp", "zorp_(flower)", "zorp-tree", "\uff5aorp", "ぞるぷの木"])
def test_what_is_never_offered_is_not_offered_whatever_a_person_set(tag: str) -> None:
    assert not RULE.allows(tag) and not RULE.allows(tag, explicit=True)


@pytest.mark.parametrize("tag", ["saplings_with_thorn", "thorn, green shoot", "spiked sapling"])
def test_a_young_word_beside_an_explicit_one_is_never_offered(tag: str) -> None:
    assert not RULE.allows(tag) and not RULE.allows(tag, explicit=True)


@pytest.mark.parametrize("tag", ["thorn", "spiked_fence", "rose_thorn"])
def test_explicit_tags_are_offered_where_the_setting_says_so(tag: str) -> None:
    assert not RULE.allows(tag) and RULE.allows(tag, explicit=True)


@pytest.mark.parametrize("tag", ["sapling", "zorp_fashion", "zorpish", "thorny_path", "hawthorn", "green", "shoot"])
def test_words_are_compared_whole_and_harmless_meanings_stay(tag: str) -> None:
    assert RULE.allows(tag)


def test_an_alias_or_a_translation_bars_its_tag() -> None:
    assert RULE.allows("shrub", ["bush"]) and not RULE.allows("shrub", ["bush", "zorp"], explicit=True)


@pytest.mark.parametrize("tag", ["child", "school_uniform", "baby", "family", "classroom", "cockpit", "gothic_lolita", "essex", "bass"])
def test_the_rule_in_use_leaves_harmless_tags_alone(tag: str) -> None:
    assert TAG_RULE.allows(tag)


def test_the_rule_in_use_has_words_of_all_three_sorts_and_bars_their_meeting() -> None:
    assert TAG_RULE.never and TAG_RULE.young and TAG_RULE.explicit
    young, explicit = TAG_RULE.young[0], TAG_RULE.explicit[0]
    assert not any(TAG_RULE.allows(word.removesuffix("*"), explicit=True) for word in TAG_RULE.never)
    assert not TAG_RULE.allows(f"{young} {explicit}", explicit=True) and TAG_RULE.allows(explicit, explicit=True)
