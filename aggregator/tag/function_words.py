"""Function words that tell a language: `the`, `und`, `avec`. Most running text needs no model to be known by them.

A word stands here if it is frequent in its language and hardly occurs in any other that is asked for (`tag.language`), the
near relatives above all: `el` (Spanish, Catalan, Hungarian), `van` (Dutch, Afrikaans), `som` (Swedish, Danish, Norwegian) and
`bude` (Czech, Slovak) are out. Languages whose words are all those of a neighbour (Danish, Croatian, Malay …) are not here.
"""

from __future__ import annotations

from collections import Counter

FUNCTION_WORDS = {
    "en": (
        "the and with this that from what has been were being which their they them these those would could should about "
        "after before during against between because through who whose how why when where while than then his its your our "
        "you she only into not but it or if says there don't isn't doesn't it's"
    ),
    "de": (
        "und der nicht von für auf mit sich auch dass aus sind nach noch nur wird wurde wurden einen einer einem eines eine "
        "haben über zum zur vom beim durch keine kein können soll sollen muss müssen gegen seit seine seinen ihre ihren ihr "
        "diese dieser diesem diesen oder wenn aber zwischen schon sehr mehr weil bis ohne jetzt wieder immer ist zu"
    ),
    "fr": (
        "les et est une dans avec pas sont été cette ces aux être fait comme après leur leurs ont où elle ils nous vous était "
        "avait depuis sans sous selon alors pendant même tout tous toutes chez c'est aussi afin dont votre notre"
    ),
    "es": (
        "los las y muy otro otra otras dijo pero hacia unos están tras sus tienen pueden debe también fue eso tiene años "
        "puede hacer ahora hace donde hasta después otros según sino hoy quien fueron además así aunque mientras ellos nuevo "
        "nueva estos hay cuando año mejor mucho muchos algunos entonces luego"
    ),
    "pt": (
        "não uma você são muito também pelo pela pelos pelas isso ainda após foram depois em suas desta deste essa já com "
        "estão têm num numa às mesmo há bem assim hoje quem além ontem"
    ),
    "it": (
        "che della gli nel nella delle dalla dal dagli dello degli sulla sul più è sono questo questa anche hanno stato stata "
        "perché così dopo ancora senza ogni può quello nei sulle dalle di"
    ),
    "nl": (
        "niet zijn naar bij heeft deze hebben wordt zich kunnen zou onze tijdens hij wij veel nieuwe moeten werd toch ik mijn "
        "gaat komt toen terwijl waarin vanaf zeer zegt laatste zelf vooral een door zij zoals echter binnen kwam zal komen "
        "moest één"
    ),
    "pl": (
        "się jest że nie dla czy przez tego są tylko już oraz bardzo będzie być jego może jeśli też jeszcze był była było "
        "które który która których kiedy więcej lub przed przy między podczas został została także również niż gdy gdzie mają "
        "były byli którzy której którym tym tych tej swoje swoich mogą według w mnie miał miała sobie ponad trzeba coś swoją "
        "można wszystko zostały wielu dopiero wcześniej"
    ),
    "cs": (
        "jsou který které která kteří kterou jen nebo bylo byla byl není ještě podle při před když své jejich může mezi být "
        "více jsem jsme kvůli budou již pak pouze během přes mají kdy zatímco včetně pro byly svou další její proto tyto tedy "
        "této kromě což jehož"
    ),
    "sv": (
        "är och att inte för från när hur där vara finns mycket också än mellan även någon några något sedan två över redan "
        "ska vad hade säger fick sätt ett"
    ),
    "ru": (
        "что это этот эта этом этого этой эти из был были еще ещё они чтобы будет только может который которые которая "
        "которого которой которых её их также как нет чем своей своего об к является где более несколько однако когда здесь "
        "всех"
    ),
    "uk": (
        "що це від його її є щоб вже під після який яка якого лише щодо із буде бути цього цей ця має він вона вони їх було "
        "була були якщо через цьому можуть зі та чи тільки коли дуже навіть яку року році серед"
    ),
    "fi": (
        "että mutta niin ovat myös hän kuin joka jotka sitä mitä kanssa tämä sitten kaikki olisi ollut vielä siitä sekä "
        "jälkeen mukaan paljon koska eivät kuitenkin ennen näin vuoden miten tulee vain hänen heidän niiden tämän jossa jonka "
        "ettei eikä vuonna vuotta jos aina viime lisäksi ihan vaikka tässä voivat olevan mitään vaan olivat siihen siinä "
        "niitä kuten nyt"
    ),
    "hu": (
        "az hogy egy csak volt már még kell ezt nem mint vagy minden nagyon így lesz lehet több pedig mindig szerint között "
        "alatt miatt után amikor aki majd akár"
    ),
    "tr": (
        "için çok gibi olarak kadar olan değil oldu nasıl önce göre tarafından ancak veya olduğu olduğunu kendi şimdi diye "
        "karşı arasında üzerine üzerinde birlikte ilgili büyük hiç böyle içinde nedeniyle ile aynı iyi tüm yok çünkü sadece "
        "özellikle yine neden şekilde"
    ),
    "ro": (
        "în și şi să din pentru sunt după fost dacă despre când dintre între până această acest poate către doar foarte unui "
        "unei fără"
    ),
}
"""Language → its words in small letters."""

STRAY = 4
"""Words of one language must outnumber those of all others by this factor: the others are then names and titles."""

_LANGUAGES = {word: language for language, words in FUNCTION_WORDS.items() for word in words.split()}
_WORDS = frozenset(_LANGUAGES)


def by_words(text: str) -> tuple[str, int]:
    """(the language of a text's function words, how many different ones); ("", 0) if there are none, or of several languages.

    Words are split at spaces only: function words seldom touch punctuation.
    """
    languages = [_LANGUAGES[word] for word in _WORDS.intersection(text.lower().split())]
    if not languages:
        return "", 0
    language = languages[0]
    count = languages.count(language)
    if count < len(languages):
        (language, count), *_ = Counter(languages).most_common(1)
        if count < STRAY * (len(languages) - count):
            return "", 0
    return language, count
