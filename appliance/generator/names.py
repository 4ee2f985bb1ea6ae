"""Invented people: common Japanese names with their readings, and some with rare characters.

Invariant: drawn from lists of common names only; no real person is meant.
"""

import random
from dataclasses import dataclass
from typing import Final

_FAMILY: Final = """
佐藤サトウ 鈴木スズキ 髙橋タカハシ 田中タナカ 伊藤イトウ 渡邊ワタナベ 山本ヤマモト 中村ナカムラ
小林コバヤシ 加藤カトウ 吉田ヨシダ 𠮷村ヨシムラ 山田ヤマダ 佐々木ササキ 山口ヤマグチ 松本マツモト
井上イノウエ 木村キムラ 林ハヤシ 齋藤サイトウ 清水シミズ 山﨑ヤマサキ 森モリ 池田イケダ
橋本ハシモト 阿部アベ 石川イシカワ 山下ヤマシタ 中島ナカシマ 石井イシイ 小川オガワ 前田マエダ
岡田オカダ 長谷川ハセガワ 藤田フジタ 後藤ゴトウ 近藤コンドウ 村上ムラカミ 遠藤エンドウ 青木アオキ
坂本サカモト 古賀コガ 江口エグチ 原田ハラダ 川﨑カワサキ 副島ソエジマ 北島キタジマ 野中ノナカ
德永トクナガ 冨田トミタ 濵田ハマダ 桒原クワハラ 廣瀬ヒロセ 眞子マナコ 本村モトムラ 中溝ナカミゾ
梶原カジワラ 福島フクシマ 大坪オオツボ 宮﨑ミヤザキ
"""
_GIVEN: Final = """
陽葵ヒマリ 凜リン 結菜ユイナ 芽依メイ 莉子リコ 美咲ミサキ さくらサクラ 葵アオイ
結衣ユイ 心春コハル 紬ツムギ 花ハナ 杏アン 彩乃アヤノ 愛梨アイリ 優奈ユウナ
千尋チヒロ 詩シ 楓カエデ 琴音コトネ 蓮レン 陽翔ハルト 湊ミナト 蒼アオイ
樹イツキ 大翔ヒロト 悠真ユウマ 朝陽アサヒ 律リツ 奏カナデ 颯太ソウタ 駿シュン
大和ヤマト 翔太ショウタ 健太ケンタ 拓海タクミ 航コウ 遥斗ハルト 圭吾ケイゴ 誠マコト
瑛太エイタ 凌リョウ 一郎イチロウ 直樹ナオキ 和彦カズヒコ 明美アケミ 由美子ユミコ 恵子ケイコ
真理マリ 久美子クミコ
"""


@dataclass(frozen=True, slots=True)
class Name:
    """A name with its reading in katakana."""

    family: str
    given: str
    kana_family: str
    kana_given: str


class Names:
    """Draws names from a seeded source."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._family = [_split(word) for word in _FAMILY.split()]
        self._given = [_split(word) for word in _GIVEN.split()]

    def draw(self, family: tuple[str, str] | None = None) -> Name:
        """Return a name; give `family` for a relative."""
        name, kana = family or self._source.choice(self._family)
        given, given_kana = self._source.choice(self._given)
        return Name(name, given, kana, given_kana)


def _split(word: str) -> tuple[str, str]:
    """Split a name from the katakana reading that follows it; "さくらサクラ" splits at the first katakana."""
    at = next(place for place, letter in enumerate(word) if "ァ" <= letter <= "ヺ")
    return word[:at], word[at:]
