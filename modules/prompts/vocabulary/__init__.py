"""The words of prompts: in English, and what they are called in seven other languages."""

from modules.prompts.vocabulary.book import CATEGORIES, LANGUAGES, Vocabulary, Word, vocabulary

__all__ = ["CATEGORIES", "LANGUAGES", "Vocabulary", "Word", "vocabulary"]
