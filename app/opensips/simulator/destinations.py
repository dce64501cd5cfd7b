"""Where the demo carrier's customers call to: prefixes of E.164, how often, how dear.

Prefixes and lengths follow the national numbering plans (ITU-T E.164, list of assigned codes);
market prices are invented, of the usual order.
"""

from __future__ import annotations

from dataclasses import dataclass

# prefix | destination | digits after the prefix | weight retail | weight wholesale | market price
# in hundredths of a cent (EUR 0.0001) per minute
_TABLE = """
49|Germany|9|260|80|45
4930|Germany Berlin|8|120|30|40
4940|Germany Hamburg|8|50|16|40
4989|Germany Munich|8|60|18|40
4915|Germany Mobile Telefonica|9|110|60|190
4916|Germany Mobile Telekom|8|70|40|190
4917|Germany Mobile Vodafone|8|120|70|190
49180|Germany Shared Cost|7|8|0|900
49800|Germany Freephone|7|14|0|0
49900|Germany Premium|7|3|0|9500
43|Austria|9|24|20|70
4366|Austria Mobile|9|20|16|260
41|Switzerland|8|20|18|95
417|Switzerland Mobile|8|16|14|640
33|France|9|14|50|50
336|France Mobile|8|10|36|210
337|France Mobile Bouygues|8|5|14|210
34|Spain|8|10|30|55
346|Spain Mobile|8|9|26|180
39|Italy|9|12|34|60
393|Italy Mobile|9|10|30|230
351|Portugal|8|4|14|70
3519|Portugal Mobile|8|3|12|260
31|Netherlands|8|12|30|50
316|Netherlands Mobile|8|9|26|220
32|Belgium|8|6|18|90
324|Belgium Mobile|8|5|15|340
352|Luxembourg|6|3|4|110
35262|Luxembourg Mobile|6|2|3|380
44|United Kingdom|9|16|70|40
447|United Kingdom Mobile|9|14|60|160
353|Ireland|8|3|12|80
3538|Ireland Mobile|8|3|11|240
45|Denmark|7|5|10|60
454|Denmark Mobile|7|3|8|190
46|Sweden|8|5|12|50
467|Sweden Mobile|8|4|11|180
47|Norway|7|4|8|70
479|Norway Mobile|7|3|7|210
358|Finland|7|3|8|180
3584|Finland Mobile|8|3|7|290
48|Poland|8|16|30|70
485|Poland Mobile Orange|8|10|16|150
486|Poland Mobile Plus|8|9|14|150
420|Czech Republic|8|6|12|90
4207|Czech Republic Mobile|8|5|11|200
421|Slovakia|8|3|8|120
4219|Slovakia Mobile|8|3|7|260
36|Hungary|7|4|9|90
3670|Hungary Mobile|7|3|7|240
40|Romania|8|7|20|80
407|Romania Mobile|8|7|22|170
359|Bulgaria|7|4|12|180
3598|Bulgaria Mobile|8|4|11|720
30|Greece|9|5|11|70
306|Greece Mobile|9|4|10|190
90|Turkey|9|14|24|240
905|Turkey Mobile|9|18|30|980
385|Croatia|7|5|7|130
3859|Croatia Mobile|8|5|7|520
386|Slovenia|7|2|4|210
38640|Slovenia Mobile|6|2|3|640
381|Serbia|8|4|7|560
3816|Serbia Mobile|8|4|7|1450
387|Bosnia and Herzegovina|7|3|5|720
3876|Bosnia and Herzegovina Mobile|7|3|4|1700
355|Albania|7|2|4|980
3556|Albania Mobile|8|2|4|2100
7|Russia|9|4|20|380
79|Russia Mobile|9|4|24|1150
380|Ukraine|8|6|14|980
3809|Ukraine Mobile|8|6|14|1700
375|Belarus|8|1|5|2600
370|Lithuania|7|2|5|350
3706|Lithuania Mobile|7|2|5|780
371|Latvia|7|1|4|620
3712|Latvia Mobile|7|1|4|1350
37190|Latvia Premium|6|0|0|9800
372|Estonia|6|1|4|410
3725|Estonia Mobile|7|1|4|1600
1|United States and Canada|10|16|90|45
1808|United States Hawaii|7|1|2|60
1907|United States Alaska|7|1|2|260
1876|Jamaica|7|1|8|1900
1809|Dominican Republic|7|1|8|520
52|Mexico|10|2|20|90
521|Mexico Mobile|10|1|16|140
53|Cuba|7|0|2|7400
535|Cuba Mobile|7|0|2|7600
54|Argentina|10|1|8|110
549|Argentina Mobile|10|1|7|1100
55|Brazil|10|2|14|95
551|Brazil Sao Paulo|9|1|8|60
56|Chile|8|1|5|160
57|Colombia|9|1|8|130
51|Peru|8|1|6|140
58|Venezuela|9|1|5|260
91|India|10|3|60|140
919|India Mobile|9|3|70|140
92|Pakistan|9|1|22|640
923|Pakistan Mobile|9|1|26|760
880|Bangladesh|9|1|24|280
8801|Bangladesh Mobile|9|1|30|280
94|Sri Lanka|8|0|8|1450
86|China|10|2|18|120
861|China Mobile|10|2|20|130
852|Hong Kong|8|1|8|110
81|Japan|9|1|8|180
8190|Japan Mobile|8|1|6|620
82|Korea Republic|9|1|7|120
84|Vietnam|8|2|10|540
849|Vietnam Mobile|8|2|12|560
66|Thailand|8|1|7|110
62|Indonesia|9|1|8|340
60|Malaysia|8|1|7|120
63|Philippines|9|1|16|980
639|Philippines Mobile|9|1|22|1150
61|Australia|8|2|10|70
614|Australia Mobile|8|1|9|210
64|New Zealand|8|1|4|110
20|Egypt|9|2|14|980
201|Egypt Mobile|9|2|16|1150
212|Morocco|8|3|14|1700
2126|Morocco Mobile|8|3|16|4300
216|Tunisia|7|2|8|3800
2169|Tunisia Mobile|7|2|8|4600
213|Algeria|8|1|8|780
234|Nigeria|9|2|20|640
2348|Nigeria Mobile|9|2|28|720
233|Ghana|8|1|10|1700
254|Kenya|8|1|7|1250
27|South Africa|8|1|8|260
277|South Africa Mobile|8|1|8|520
252|Somalia|7|0|3|5900
971|United Arab Emirates|8|1|12|1250
9715|United Arab Emirates Mobile|8|1|14|1300
966|Saudi Arabia|8|1|8|980
972|Israel|8|1|7|80
9725|Israel Mobile|8|1|6|340
98|Iran|9|2|8|1100
964|Iraq|8|2|6|1900
961|Lebanon|7|1|4|980
870|Inmarsat Satellite|9|0|1|0
"""

# No tariff of the demo has it: such calls wait unpriced and say why.
UNPRICED = "870"
# Cheap by mistake since the last tariff change: sold below what the carriers take.
BELOW_COST = "2169"
FRAUD = ("535", "53", "37190", "252")
# Calls between subscribers: the number block of the demo's own subscribers.
OWN_BLOCK = "493023125"


@dataclass(frozen=True, slots=True)
class Destination:
    """A prefix, its name, and how many digits follow it; ``market`` in EUR 0.0001 a minute."""

    prefix: str
    name: str
    digits: int
    retail: int
    wholesale: int
    market: int


def _read(line: str) -> Destination:
    prefix, name, *numbers = line.split("|")
    digits, retail, wholesale, market = map(int, numbers)
    return Destination(prefix, name, digits, retail, wholesale, market)


DESTINATIONS: tuple[Destination, ...] = tuple(map(_read, _TABLE.split("\n")[1:-1]))
BY_PREFIX = {destination.prefix: destination for destination in DESTINATIONS}
