"""Function words: `the`, `und`, `avec`. They tell a language, and are left out where words are named as a reason.

Most running text needs no model to be known by them.

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

_SHORT = {
    "en": "a an in on of to at for by as is are he we his her me my us i do does did so all can just more also its it's",
    "de": "die das den des dem in an am im als es er sie wir ein man so um war hat zu vor unter bei ins was wie ab in ins bis",
    "fr": "le la l' un de du des d' à au en que qui il on se sur par pour ne ce sa son ses plus y où ou a",
    "es": "el la un una de del en al que a se su por con para no lo es ha como más o e",
    "pt": "o a os as um de do da dos das em no na nos nas que se por com para ao à é foi mais ou e",
    "it": "il lo la i le un una uno di da in con su per tra fra e o a al alla ai ha non si ma come dei del",
    "nl": "de het een van en in op te dat die is voor met als aan er ook om uit maar over was of na bij tot",
    "pl": "i a o z ze do na po od za u to w we jak co ale nad pod go",
    "sv": "en ett det den de som i på av till med om har har kan men så vi han hon sig ut var",
    "da": "og i at det en et den de til er som på med for af han hun ikke der var har kan men om sig ved fra",
    "no": "og i at det en et den de til er som på med for av han hun ikke der var har kan men om seg ved fra",
    "nb": "og i at det en et den de til er som på med for av han hun ikke der var har kan men om seg ved fra",
    "cs": "a i o z ze do na po od za u to v ve s se si je jak co ale k ke",
    "ru": "и в во на с со не по к ко от за у о об а но из до для так же бы",
    "uk": "і й в у на з не по до від за о а але як для",
    "fi": "ja on ei se oli",
    "hu": "a és is meg de",
    "tr": "ve bir bu da de o",
    "ro": "a de la cu o un pe al ale se nu mai ca că le",
}
"""Language → words that several languages have, or that are too short to tell one by."""

STRAY = 4
"""Words of one language must outnumber those of all others by this factor: the others are then names and titles."""

_LANGUAGES = {word: language for language, words in FUNCTION_WORDS.items() for word in words.split()}
_WORDS = frozenset(_LANGUAGES)
_EMPTY = {language: frozenset(f"{FUNCTION_WORDS.get(language, '')} {words}".split()) for language, words in _SHORT.items()}


def is_function_word(word: str, language: str) -> bool:
    """Whether a word says nothing by itself: `the`, `in`; not `WHO` or `US`. An unknown language is taken for English."""
    if len(word) > 1 and word.isupper():
        return False
    return word.replace("’", "'").lower() in _EMPTY.get(language.lower().split("-")[0], _EMPTY["en"])


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
