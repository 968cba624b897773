#!/usr/bin/env bash
# num2words 0.5.14 says another amount of money than it is given, in some languages, and raises nothing.
#
# num2words(12.5, lang=…, to="currency") is twelve and fifty cents in English, Spanish of Spain, of Mexico and of
# Nicaragua, and Norwegian. One would expect the same amount in each language that has currencies (others raise
# NotImplementedError). In Danish, and in the Spanish of Colombia, Costa Rica, Guatemala and Venezuela, it is twelve
# and five cents: these take the digits after the point as a number, so that .5 is 5, .05 is 5, too, and .90 is
# nine. Amounts such as 19.99 are right. A Decimal is no way out: from it, they say "cero punto cinco centavos". In
# Bengali it is the other way round: five hundredths are fifty poisha. The same two meet in the plain number of
# Bengali, where 3.07 is 3.7 ("তিন দশমিক সাত", three point seven). Persian says 1.05 as one and a half ("نیم").
#
# A voice that reads balances and prices to callers says amounts that are off by a factor of ten. Split the amount
# with arithmetic, say the two parts as whole numbers, and try an amount with a single cent and one with tens.
#
# Seen on 2026-11-29:
#   en     12.5  twelve euro, fifty cents
#   en     12.05 twelve euro, five cents
#   no     12.5  tolv kroner og femti øre
#   no     12.05 tolv kroner og fem øre
#   da     12.5  tolv kr og fem øre
#   da     12.05 tolv kr og fem øre
#   es_NI  12.5  doce córdobas con cincuenta centavos
#   es_NI  12.05 doce córdobas con cinco centavos
#   es_CO  12.5  doce pesos y cinco centavos
#   es_CO  12.05 doce pesos y cinco centavos
#   es_CR  12.5  doce colónes y cinco céntimos
#   es_CR  12.05 doce colónes y cinco céntimos
#   es_GT  12.5  doce quetzales y cinco centavos
#   es_GT  12.05 doce quetzales y cinco centavos
#   es_VE  12.5  doce bolívares fuertes y cinco centavos
#   es_VE  12.05 doce bolívares fuertes y cinco centavos
#   bn     12.5  বারো টাকা পঞ্চাশ পয়সা
#   bn     12.05 বারো টাকা পঞ্চাশ পয়সা
#   fa     12.5  دوازده و نیم تومان
#   fa     12.05 دوازده و نیم تومان
#   es_CO, Decimal: doce pesos y cero punto cinco centavos
#   bn, plain numbers: 3.07 is said as 3.7: True
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-num2words-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'num2words==0.5.14' 2> /dev/null

cat > finding.py <<'PYTHON'
import sys
from decimal import Decimal

from num2words import num2words

RIGHT = ("en", "no", "es_NI")
WRONG = ("da", "es_CO", "es_CR", "es_GT", "es_VE", "bn", "fa")

sys.stdout.reconfigure(encoding="utf-8")
equal = set()
for language in ("en", "no", "da", "es_NI", *WRONG[1:]):
    said = [num2words(amount, lang=language, to="currency") for amount in (12.5, 12.05)]
    print(f"{language:6} 12.5  {said[0]}\n{language:6} 12.05 {said[1]}")
    if said[0] == said[1]:
        equal.add(language)
exact = num2words(Decimal("12.50"), lang="es_CO", to="currency")
plain = num2words(3.07, lang="bn") == num2words(3.7, lang="bn")
print(f"es_CO, Decimal: {exact}")
print(f"bn, plain numbers: 3.07 is said as 3.7: {plain}")
danish = num2words(12.5, lang="da", to="currency")
sys.exit(
    (equal, exact, danish, plain)
    != (set(WRONG), "doce pesos y cero punto cinco centavos", "tolv kr og fem øre", True)
)
PYTHON
venv/bin/python finding.py
