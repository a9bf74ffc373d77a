"""Captions: which words, what they claim, and their token ids."""

import json
import random
import re

ATTRIBUTES = ["object", "colour", "background", "count"]
PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIAL = ["[PAD]", "[BOS]", "[EOS]", "[UNK]"]
UNKNOWN = -1  # no claim about this attribute
NONE = -2  # no subject: no value is right


def words(text):
    """As the tokenizer file splits: lower case, runs of letters and digits, single marks."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


class Language:
    def __init__(self, about, side):
        self.about, self.side = about, side
        self.values = {a: list(about[a].keys()) for a in ATTRIBUTES}
        self.values["count"] = [1, 2, 3, 4]
        everything = json.dumps([about[key] for key in sorted(about)])
        known = sorted(set(words(re.sub(r"[\"{}\[\]\\]", " ", everything))))
        self.vocabulary = {word: i for i, word in enumerate(SPECIAL + known)}

    def encode(self, text):
        return [BOS] + [self.vocabulary.get(word, UNK) for word in words(text)] + [EOS]

    def index(self, shown):
        """What a picture shows, as one index per attribute; without its subject only the background is there."""
        found = [self.values[a].index(shown[a]) for a in ATTRIBUTES]
        return [NONE, NONE, found[2], NONE] if shown["missing"] else found

    def fill(self, phrase, scene, pick):
        """One caption of a scene (indices), and its claims."""
        name = [self.values[a][i] if i >= 0 else None for a, i in zip(ATTRIBUTES, scene)]
        claims = [UNKNOWN] * 4
        numbered = "{number}" in phrase

        def word(match):
            slot = match.group(1)
            if slot == "number":
                claims[3] = scene[3]
                return pick(self.about["count"][str(name[3])])
            if slot == "colour":
                claims[1] = scene[1]
                return pick(self.about["colour"][name[1]])
            if slot == "noun":
                claims[0] = scene[0]
                one, many = pick(self.about["object"][name[0]])
                return one if (name[3] == 1 or not numbered) and (numbered or pick([True, True, False])) else many
            claims[2] = scene[2]
            return name[2] if slot == "bare" else pick(self.about["background"][name[2]])

        return re.sub(r"\{(\w+)\}", word, phrase), claims

    def caption(self, scene, dice: random.Random):
        """A caption of what a picture shows: mostly of all of it, now and then of a part."""
        if scene[0] == NONE:
            phrase = dice.choice(self.about["empty"])
        else:
            phrase = dice.choice(self.about["phrases"] if dice.random() < 0.6 else self.about["parts"])
        text, claims = self.fill(phrase, scene, dice.choice)
        if scene[0] == NONE and phrase != "{ground}":
            claims[0] = NONE
        return self.dress(text, claims, dice), phrase

    def dress(self, text, claims, dice):
        """Adds words that say nothing about the scene, known and unknown ones."""
        if dice.random() < 0.3:
            extra = dice.choice(self.about["extras"])
            text = f"{text}, {extra}" if dice.random() < 0.8 else f"{extra}, {text}"
        if dice.random() < 0.15:
            parts = text.split(" ")
            parts.insert(dice.randrange(len(parts) + 1), "unknownword")
            text = " ".join(parts)
        return text, claims

    def opposed(self, scene, phrase, dice):
        """A caption by the same phrase that is wrong in one attribute, where the phrase names one."""
        if scene[0] == NONE:
            named = [2]
        else:
            slots = {"noun": 0, "colour": 1, "ground": 2, "bare": 2, "number": 3}
            named = sorted({slots[s] for s in re.findall(r"\{(\w+)\}", phrase)})
        other = list(scene)
        if named:
            a = dice.choice(named)
            other[a] = dice.choice([i for i in range(len(self.values[ATTRIBUTES[a]])) if i != scene[a]])
        if scene[0] == NONE and (not named or "{" not in phrase or dice.random() < 0.5):
            # of an empty picture any claim about an object is wrong
            other = [dice.randrange(len(self.values[a])) for a in ATTRIBUTES]
            other[2] = scene[2]
            phrase = dice.choice(self.about["phrases"])
        return self.dress(*self.fill(phrase, other, dice.choice), dice)
