"""Names of the months, long and short, in the languages of many feeds."""

from __future__ import annotations

_NAMES = """
1  jan january januar janvier janv janeiro enero ene gennaio gen januari jänner jän janúar tammikuuta tammikuu
1  sty stycznia styczeń led ledna leden ocak oca ianuarie ian января январь янв січня січ јануар јан януари яну
1  ιανουαρίου ιανουάριος ιαν ינואר يناير siječnja sij sausio január
2  feb february februar février févr fév fev febrero fevereiro febbraio febbr februari febr febrúar helmikuuta
2  helmikuu lut lutego luty úno února únor şubat şub februarie февраля февраль фев февр лютого лют фебруар феб
2  февруари φεβρουαρίου φεβρουάριος φεβ פברואר فبراير veljače velj február
3  mar march märz mär mrz mars março marzo maart mrt marts maaliskuuta maaliskuu marca marzec bře března březen
3  mart martie марта март мар березня бер μαρτίου μάρτιος μαρ מרץ مارس ožujka ožu március márc marec
4  apr april avril avr abril abr aprile apríl huhtikuuta huhtikuu kwi kwietnia kwiecień dub dubna duben nisan nis
4  aprilie апреля апрель апр квітня кві април απριλίου απρίλιος απρ אפריל أبريل ابريل travnja április ápr
5  may mai mayo maio maggio mag mei maj toukokuuta toukokuu maja kvě května květen mayıs мая май травня тра мај
5  μαΐου μάιος μαι מאי مايو svibnja maí május máj
6  jun june juni juin junho junio giugno giu júní kesäkuuta kesäkuu cze czerwca czerwiec čvn června červen
6  haziran haz iunie iun июня июнь июн червня чер јун јуни юни ιουνίου ιούνιος ιουν יוני يونيو lipnja június jún
7  jul july juli juillet juil julho julio luglio lug júlí heinäkuuta heinäkuu lip lipca lipiec čvc července
7  červenec temmuz tem iulie iul июля июль июл липня лип јул јули юли ιουλίου ιούλιος ιουλ יולי يوليو srpnja
7  július júl
8  aug august août aoû aou agosto ago augustus augusti ágúst elokuuta elokuu sie sierpnia sierpień srp srpna
8  srpen ağustos ağu августа август авг серпня сер αυγούστου αύγουστος αυγ אוגוסט أغسطس اغسطس kolovoza kol
8  augusztus
9  sep sept september septembre setembro set septiembre settembre sett septembrie syyskuuta syyskuu wrz września
9  wrzesień zář září eylül eyl сентября сентябрь сен сент вересня вер септембар септембра сеп септември
9  σεπτεμβρίου σεπτέμβριος σεπ ספטמבר سبتمبر rujna szeptember szept
10 oct october oktober okt octobre outubro out octubre ottobre ott octombrie október lokakuuta lokakuu paź
10 października październik říj října říjen ekim eki октября октябрь окт жовтня жов октобар октобра октомври
10 οκτωβρίου οκτώβριος οκτ אוקטובר أكتوبر اكتوبر
11 nov november novembre novembro noviembre noiembrie nóvember marraskuuta marraskuu lis listopada listopad kasım
11 kas ноября ноябрь ноя нояб листопада новембар новембра ное ноември νοεμβρίου νοέμβριος νοε נובמבר نوفمبر
11 studenoga studenog stu
12 dec december dezember dez décembre déc dezembro diciembre dic dicembre decembrie desember des joulukuuta
12 joulukuu gru grudnia grudzień pro prosince prosinec aralık ara декабря декабрь дек грудня гру децембар
12 децембра дец декември δεκεμβρίου δεκέμβριος δεκ דצמבר ديسمبر prosinca
"""

MONTHS: dict[str, int] = {name: int(line.split()[0]) for line in _NAMES.strip().splitlines() for name in line.split()[1:]}
"""Case-folded name → number. `listopad` is November (Polish, Czech), not Croatian October; `srp` is August."""
