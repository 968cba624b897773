"""Words that callers say for digits, yes and no, by language.

Digits: the forms of CLDR 48 (rule-based number formats, cardinals in the nominative), plus what is
said in rows of digits and is not in CLDR: `oh`, `nought`, `zwo`, `meia`, `幺`, the readings of
Japanese, the forms of spoken Finnish.
Yes and no: CLDR 48 (POSIX messages), plus the usual polite and short forms.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

DIGIT_WORDS: Final[Mapping[str, str]] = {
    "ar": "صفر|واحد واحدة|اثنان اثنين إثنان إثنتان|ثلاثة|أربعة اربعة|خمسة|ستة|سبعة|ثمانية|تسعة",
    "az": "sıfır|bir|iki|üç|dörd|beş|altı|yeddi|səkkiz|doqquz",
    "bg": "нула|едно един една|две два двама|три|четири|пет|шест|седем|осем|девет",
    "ca": "zero|u un una|dos dues|tres|quatre|cinc|sis|set|vuit|nou",
    "cs": "nula|jedna jeden jedno|dva dvě|tři|čtyři|pět|šest|sedm|osm|devět",
    "cy": "dim|un|dau dwy|tri tair|pedwar pedair|pump pum|chwech chwe|saith|wyth|naw",
    "da": "nul|en et|to|tre|fire|fem|seks|syv|otte|ni",
    "de": "null|eins ein eine|zwei zwo|drei|vier|fünf|sechs|sieben|acht|neun",
    "el": "μηδέν|ένα ένας μία|δύο|τρία τρεις|τέσσερα τέσσερις|πέντε|έξι|επτά εφτά|οκτώ οχτώ|εννέα εννιά",
    "en": "zero oh o nought naught|one|two|three|four|five|six|seven|eight|nine",
    "es": "cero|uno un una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve",
    "et": "null|üks|kaks|kolm|neli|viis|kuus|seitse|kaheksa|üheksa",
    "fi": "nolla|yksi yks|kaksi kaks|kolme|neljä|viisi viis|kuusi kuus|seitsemän seittemän|kahdeksan kaheksan|yhdeksän yheksän",
    "fil": "wala sero|isa|dalawa|tatlo|apat|lima|anim|pito|walo|siyam",
    "fr": "zéro|un une|deux|trois|quatre|cinq|six|sept|huit|neuf",
    "hi": "शून्य|एक|दो|तीन|चार|पाँच पांच|छह छः|सात|आठ|नौ",
    "hr": "nula|jedan jedna jedno|dva dvije|tri|četiri|pet|šest|sedam|osam|devet",
    "hu": "nulla|egy|kettő két|három|négy|öt|hat|hét|nyolc|kilenc",
    "id": "nol kosong|satu|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan",
    "is": "núll|einn ein eitt|tveir tvær tvö|þrír þrjár þrjú|fjórir fjórar fjögur|fimm|sex|sjö sjó|átta|níu",
    "it": "zero|uno un una|due|tre|quattro|cinque|sei|sette|otto|nove",
    "ja": "零 〇 ゼロ れい まる|一 壱 いち|二 弐 に|三 参 さん|四 よん し|五 伍 ご|六 ろく|七 なな しち|八 はち|九 きゅう く",
    "ka": "ნული|ერთი|ორი|სამი|ოთხი|ხუთი|ექვსი|შვიდი|რვა|ცხრა",
    "ko": "영 공|일 하나|이 둘|삼 셋|사 넷|오 다섯|육 륙 여섯|칠 일곱|팔 여덟|구 아홉",
    "lt": "nulis|vienas viena|du dvi|trys|keturi|penki|šeši|septyni|aštuoni|devyni",
    "lv": "nulle|viens viena|divi divas|trīs|četri|pieci|seši|septiņi|astoņi|deviņi",
    "ms": "kosong sifar|satu|dua|tiga|empat|lima|enam|tujuh|lapan|sembilan",
    "mt": "żero|wieħed waħda|tnejn żewġ|tlieta tliet|erbgħa erbaʼ|ħamsa ħames|sitta sitt|sebgħa sebaʼ|tmienja tmien|disgħa disaʼ",
    "my": "သုည|တစ်|နှစ်|သုံး|လေး|ငါး|ခြောက်|ခုနှစ်|ရှစ်|ကိုး",
    "nb": "null|en én ei ett|to|tre|fire|fem|seks|sju syv|åtte|ni",
    "nl": "nul|een één|twee|drie|vier|vijf|zes|zeven|acht|negen",
    "pl": "zero|jeden jedna jedno|dwa dwie|trzy|cztery|pięć|sześć|siedem|osiem|dziewięć",
    "pt": "zero|um uma|dois duas|três|quatro|cinco|seis meia|sete|oito|nove",
    "ro": "zero|unu una|doi două|trei|patru|cinci|șase|șapte|opt|nouă",
    "ru": "ноль нуль|один одна одно|два две|три|четыре|пять|шесть|семь|восемь|девять",
    "sk": "nula|jeden jedna jedno|dva dve|tri|štyri|päť|šesť|sedem|osem|deväť",
    "sl": "nič|ena en|dva dve|tri|štiri|pet|šest|sedem|osem|devet",
    "sv": "noll|ett en|två|tre|fyra|fem|sex|sju|åtta|nio",
    "th": "ศูนย์|หนึ่ง|สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า",
    "tr": "sıfır|bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz",
    "uk": "нуль|один одна одне|два дві|три|чотири|пʼять|шість|сім|вісім|девʼять",
    "vi": "không|một|hai|ba|bốn|năm|sáu|bảy|tám|chín",
    "yue": "零 〇|一|二 兩 两|三|四|五|六|七|八|九",
    "zh": "零 〇|一 幺|二 两 兩|三|四|五|六|七|八|九",
}
"""By language: the words for 0 to 9, divided by bars"""

REPEAT_WORDS: Final[Mapping[str, Mapping[str, int]]] = {"en": {"double": 2, "triple": 3}}
"""Words that repeat the digit after them"""

LANGUAGES_WITHOUT_SPACES: Final = frozenset({"ja", "ko", "my", "th", "yue", "zh"})
"""Languages that are written without a blank between two words; of Korean, digits in a row are"""

YES_NO_WORDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "ar": ("نعم|أجل|صحيح", "لا", "من فضلك|شكرا"),
    "az": ("hə|bəli", "yox|xeyr", "zəhmət olmasa"),
    "bg": ("да", "не", "моля|благодаря"),
    "ca": ("sí|correcte", "no", "si us plau|gràcies"),
    "cs": ("ano|jo|správně", "ne", "prosím|děkuji"),
    "cy": ("ie|ydy|cywir", "na|nage", "os gwelwch yn dda|diolch"),
    "da": ("ja|jo|jep|korrekt", "nej", "tak"),
    "de": ("ja|jawohl|genau|richtig|stimmt", "nein|nee|falsch", "bitte|danke|das ist"),
    "el": ("ναι|σωστά", "όχι", "παρακαλώ|ευχαριστώ"),
    "en": (
        "yes|yeah|yep|yup|correct|right|sure|ok|okay",
        "no|nope|wrong|incorrect",
        "please|thanks|thank you|that is|thats|it is|sir|maam",
    ),
    "es": ("sí|si|correcto|claro", "no", "por favor|gracias|señor|señora"),
    "et": ("jah|jaa|õige", "ei", "palun|aitäh"),
    "fi": ("kyllä|joo|juu|oikein", "ei", "kiitos"),
    "fil": ("oo|opo|tama", "hindi|hindi po", "po|salamat"),
    "fr": ("oui|ouais|exact|correct|c'est ça", "non", "merci|s'il vous plaît|monsieur|madame"),
    "hi": ("हाँ|हां|जी हाँ|जी हां|सही", "नहीं|जी नहीं|गलत", "जी|धन्यवाद"),
    "hr": ("da|točno", "ne", "molim|hvala"),
    "hu": ("igen|helyes", "nem", "köszönöm|kérem"),
    "id": ("ya|iya|betul|benar", "tidak|bukan", "terima kasih|tolong"),
    "is": ("já|jú|rétt", "nei", "takk"),
    "it": ("sì|si|certo|esatto|corretto", "no", "grazie|per favore"),
    "ja": ("はい|ええ|うん|そうです", "いいえ|いえ|違います|ちがいます", "お願いします"),
    "ka": ("კი|დიახ|სწორია", "არა", "გმადლობთ"),
    "ko": ("예|네|맞아요|맞습니다", "아니요|아뇨|아니오|아니에요|아닙니다", "감사합니다"),
    "lt": ("taip|teisingai", "ne", "prašau|ačiū"),
    "lv": ("jā|pareizi", "nē", "lūdzu|paldies"),
    "ms": ("ya|betul|benar", "tidak|bukan", "terima kasih"),
    "mt": ("iva|sewwa", "le", "jekk jogħġbok|grazzi"),
    "nb": ("ja|jo|stemmer|riktig", "nei", "takk|det"),
    "nl": ("ja|jawel|klopt|correct", "nee|neen", "graag|alstublieft|bedankt|dat"),
    "pl": ("tak|zgadza się", "nie", "proszę|dziękuję"),
    "pt": ("sim|certo|correto", "não", "por favor|obrigado|obrigada"),
    "ro": ("da|corect", "nu", "vă rog|mulțumesc"),
    "ru": ("да|верно|правильно", "нет|неверно|неправильно", "пожалуйста|спасибо"),
    "sk": ("áno|hej|správne", "nie", "prosím|ďakujem"),
    "sl": ("da|ja|pravilno", "ne", "prosim|hvala"),
    "sv": ("ja|jo|japp|jajamän|visst|precis|stämmer|rätt", "nej|nä|fel", "tack|gärna|det|är"),
    "th": ("ใช่|ถูกต้อง", "ไม่ใช่|ไม่", "ค่ะ|ครับ|คะ"),
    "tr": ("evet|doğru", "hayır|hayir|yanlış", "lütfen|teşekkürler"),
    "uk": ("так|правильно", "ні|неправильно", "будь ласка|дякую"),
    "uz": ("ha|toʻgʻri|to'g'ri", "yoʻq|yo'q", "rahmat|iltimos"),
    "vi": ("có|vâng|đúng|đúng rồi|phải", "không|không đúng|không phải", "ạ|dạ|cảm ơn"),
    "yue": ("係|係呀|啱", "唔係|唔啱", "唔該|多謝"),
    "zh": ("是|是的|对|對|好|好的|确定|確定", "否|不|不是|不对|不對|否定", "谢谢|謝謝"),
}
"""By language: words for yes, words for no, and words that change neither, divided by bars"""

_TABLE_LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "arb": ("ar",),
    "cmn": ("zh",),
    "no": ("nb",),
    "nn": ("nb",),
    "zh": ("zh", "yue"),  # zh-HK is Cantonese, and written as Chinese
}


def list_languages(locale: str) -> tuple[str, ...]:
    """The languages of these tables that callers of a locale speak."""
    language = locale.partition("-")[0].partition("/")[0].lower()
    return _TABLE_LANGUAGES.get(language, (language,))


@lru_cache(maxsize=256)
def list_digit_words(locale: str) -> Mapping[str, str]:
    """The words for digits in a locale, each with its digit; none for a locale without a table."""
    return {
        word: str(digit)
        for language in list_languages(locale)
        for digit, words in enumerate(DIGIT_WORDS.get(language, "").split("|"))
        for word in words.split()
    }
