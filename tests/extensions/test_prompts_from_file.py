"""Prompts from file or textbox: what its lines ask for."""

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.contract.request import GenerationRequest, Size
from tests.extensions.drawing import Drawing, driven

REQUEST = GenerationRequest(size=Size(16, 16), seed=5, steps=3)


def asked(lines: str, request: GenerationRequest = REQUEST, **options: object) -> list[GenerationRequest]:
    drawing = Drawing()
    driven(drawing, request, "prompts_from_file", lines=lines, **options)
    assert drawing.asked == drawing.expected
    return drawing.asked


def test_every_line_that_is_not_blank_is_a_prompt() -> None:
    assert [one.prompt for one in asked("a cat\n\n  a dog  \n")] == ["a cat", "a dog"]


def test_the_page_s_prompt_stands_behind_a_line_or_before_it() -> None:
    request = REQUEST.replace(prompt="in oil")
    assert asked("a cat", request)[0].prompt == "a cat in oil"
    assert asked("a cat", request, position="end")[0].prompt == "in oil a cat"


def test_a_line_of_options_changes_the_request() -> None:
    line = (
        '--prompt a cat --negative_prompt "ugly" --steps 9 --cfg_scale 2.5 --width 24 --sampler_name "euler A" --n_iter 2 --sd_model demo'
    )
    one = asked(line)[0]
    assert (one.prompt, one.negative_prompt, one.steps, one.guidance, one.size) == ("a cat", "ugly", 9, 2.5, (24, 16))
    assert (one.sampler, one.batch_count, one.checkpoint) == ("euler A", 2, "demo")


def test_a_line_may_vary_its_seed() -> None:
    one = asked("--prompt x --seed 3 --subseed 4 --subseed_strength 0.5 --seed_resize_from_w 8 --seed_resize_from_h 16")[0]
    assert one.seed == 3 and one.variation and (one.variation.seed, one.variation.strength) == (4, 0.5)
    assert one.resize_seed_from == (8, 16)


def test_a_sampler_may_be_given_by_its_number() -> None:
    assert asked("--prompt x --sampler_index 0")[0].sampler == "DPM++ 2M"


@pytest.mark.parametrize(("word", "wanted"), [("true", True), ("True", False), ("1", False)])
def test_only_the_word_true_is_true(word: str, wanted: bool) -> None:
    assert asked(f"--prompt x --tiling {word}")[0].tiling is wanted


def test_a_line_may_keep_its_pictures_from_being_saved() -> None:
    assert [one.save for one in asked("--prompt x --do_not_save_samples true\ny")] == [False, True]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--stpes 3", "steps"),
        ("--steps many", "'many'"),
        ("--steps", "no value"),
        ("--seed 3 cat", "'cat'"),
        ('--prompt "a', "quotes"),
        ("--outpath_samples x", "Settings"),
    ],
)
def test_a_line_of_options_that_cannot_be_read_is_refused_before_any_work(line: str, words: str) -> None:
    drawing = Drawing()
    with pytest.raises((BadRequest, NotFound), match=words):
        driven(drawing, REQUEST, "prompts_from_file", lines=f"a cat\n{line}")
    assert not drawing.asked


def test_two_dashes_inside_a_prompt_are_nothing_special() -> None:
    assert asked("a cat -- asleep")[0].prompt == "a cat -- asleep"


def test_a_chosen_seed_is_that_of_all_lines() -> None:
    assert [one.seed for one in asked("a\nb\nc")] == [5, 5, 5]


def test_the_seed_can_count_on_by_the_pictures_of_each_line() -> None:
    assert [one.seed for one in asked("a\nb\nc", REQUEST.replace(batch_size=2, batch_count=3), iterate=True)] == [5, 11, 17]


def test_without_a_chosen_seed_each_line_has_its_own_and_the_same_when_done_again() -> None:
    request = REQUEST.replace(seed=-1)
    seeds = [one.seed for one in asked("a\nb\nc", request)]
    assert len(set(seeds)) == 3 and seeds == [one.seed for one in asked("a\nb\nc", request)]


def test_one_random_seed_can_serve_all_lines() -> None:
    assert len({one.seed for one in asked("a\nb", REQUEST.replace(seed=-1), same_seed=True)}) == 1


def test_the_pictures_of_all_lines_come_in_order_without_a_grid() -> None:
    result = driven(Drawing(), REQUEST, "prompts_from_file", lines="a\n--prompt b --batch_size 2")
    assert [image.prompt for image in result.images] == ["a", "b", "b"]
    assert result.details["info"]["all_prompts"] == ["a", "b", "b"]


def test_an_ended_job_leaves_the_later_lines() -> None:
    drawing = Drawing(interrupted=0)
    result = driven(drawing, REQUEST, "prompts_from_file", lines="a\nb")
    assert result.interrupted and [one.prompt for one in drawing.asked] == ["a"]


def test_no_lines_at_all_are_refused() -> None:
    with pytest.raises(BadRequest, match="no lines"):
        driven(Drawing(), REQUEST, "prompts_from_file", lines="  \n")
