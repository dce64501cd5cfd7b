"""Drawing a call from an account's balances.

Balances are tried in turn, units before money, again and again while one of them pays a part;
what is left then is free, or goes below zero where a finished call must be charged. Each part is
priced anew from where the last one ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Generic

from app.rating.arithmetic import Arithmetic, N
from app.rating.balance import DEFAULT, GENERIC, MONEY, Account, Balance
from app.rating.tariff.terms import ZERO, Rounding
from app.rating.tariff.timing import local_time
from app.rating.usage import Draw, Part, Rates, Refused, Usage
from app.rating.walk import Piece, Span, walk


class Debit(Generic[N]):
    """One debit under way; ``run`` leaves the outcome in ``parts`` and ``values``.

    A dry run never goes below zero and stops where a maximum cuts the call. ``slots_at_zero``
    says that slots count from the call's beginning; CGRateS counts them from the first second
    that is not free, unless it was asked for the longest call first.
    """

    def __init__(
        self,
        arithmetic: Arithmetic[N],
        rates: Rates,
        account: Account,
        usage: Usage,
        *,
        dry_run: bool = False,
        may_go_below: bool = True,
        slots_at_zero: bool = True,
    ) -> None:
        self.arithmetic = arithmetic
        self.usage = usage
        self.parts: list[Part[N]] = []
        self.values = {b.id: arithmetic.number(b.value) for b in account.balances}
        self.position = 0
        self.fee_below_zero = False
        self._rates = rates
        self._account = account
        self._dry_run = dry_run
        self._may_go_below = may_go_below and not dry_run
        self._offset: int | None = 0 if slots_at_zero or not arithmetic.faithful else None
        self._zero = arithmetic.number(ZERO)
        self._so_far = self._zero
        self._fee_paid = self._fee_owed = self._cut = False
        self._money: list[Balance] = []

    def run(self) -> None:
        """Draws the whole usage; raises Refused when a blocker forbids it, or without rates."""
        usage, known = self.usage, self._rates.known()
        if usage.length <= 0:
            return
        kinds = [usage.kind] if usage.kind == GENERIC else [usage.kind, GENERIC]
        units = self._account.useful(kinds, usage.category, usage.at, known)
        self._money = self._account.useful([MONEY], usage.category, usage.at, known)
        before = -1
        while self.position > before:
            before = self.position
            if self._drain(units, unit=True) or self._drain(self._money, unit=False):
                return
        self._rest()

    def _drain(self, balances: Sequence[Balance], *, unit: bool) -> bool:
        """Tries all while one pays; true when the debit ends here."""
        paid = True
        while paid:
            paid = False
            for balance in balances:
                if self._take(balance, unit=unit):
                    paid = True
                    if self.position >= self.usage.length or self._cut:
                        return True
                if balance.blocker:
                    if not self._dry_run:
                        raise Refused("INSUFFICIENT_CREDIT_BALANCE_BLOCKER")
                    return True
        return False

    def _take(self, balance: Balance, *, unit: bool) -> bool:
        """Lets one balance pay what it can; whether it paid anything."""
        if not balance.active(self._now()):
            return False
        if self.arithmetic.covers(self._zero, self.values[balance.id]):
            return False
        if unit and not balance.subject:
            taken = self._take_free(balance)
            self.fee_below_zero = self.fee_below_zero and not taken
            return taken
        return self._take_priced(balance, unit=unit)

    def _take_priced(self, balance: Balance, *, unit: bool) -> bool:
        spans = self._rates.spans(balance.subject, self.position, self.usage.length)
        part: Part[N] = Part(spans[0].price.rounding)
        fee = self._fee(spans)
        self._fee_owed = False
        if self._fee_due():
            payer = self._pay_fee(fee)
            if payer is None:
                return False
            if fee:
                part.draws.append(self._fee_draw(fee, payer))
        parts = [part]
        for place, piece in enumerate(self._pieces(spans)):
            if place:
                parts.append(Part(piece.span.price.rounding))
            if not self._take_piece(balance, piece, parts[-1], unit=unit):
                break
        parts = [part for part in parts if part.draws]
        self.parts += parts
        if parts:
            self.fee_below_zero = self._fee_owed
        return bool(parts)

    def _now(self) -> datetime:
        return local_time((self.usage.at + self.position) // self.usage.ticks, UTC)

    def _pieces(self, spans: Sequence[Span]) -> list[Piece]:
        if self._offset is None:
            self._offset = self.position
        return list(walk(spans, self.position, self.usage.length, offset=self._offset))

    def _fee(self, spans: Sequence[Span]) -> Fraction:
        price = spans[0].price
        if price.maximum is None or price.cuts_at_maximum or self.arithmetic.faithful:
            return price.connect_fee
        return min(price.connect_fee, price.maximum)

    def _fee_due(self) -> bool:
        # A call whose first part is covered by free units has no connect fee.
        paid = self._fee_paid and not self.arithmetic.faithful
        return self.usage.first and not self.parts and not paid

    def _pay_fee(self, fee: Fraction) -> str | None:
        """Takes the connect fee from the first money that holds it, else from below zero; None
        when a blocker stands before. The answer is who paid."""
        cost, now = self.arithmetic.number(fee), self._now()
        for balance in self._money:
            if not balance.active(now):
                continue
            if self.arithmetic.covers(self.values[balance.id], cost):
                self.values[balance.id] = self.arithmetic.less(self.values[balance.id], cost)
                self._fee_paid = True
                return balance.id
            if balance.blocker:
                return None
        if fee and self._dry_run and not self.arithmetic.faithful:
            return None
        if fee:
            self._fee_owed = True
            self._below_zero(cost, 1)
        self._fee_paid = True
        return DEFAULT

    def _fee_draw(self, fee: Fraction, payer: str) -> Draw[N]:
        cost = self.arithmetic.number(fee)
        if not self.arithmetic.faithful:  # there a cap is compared without the fee
            self._so_far = self.arithmetic.add(self._so_far, cost, 1)
        return Draw(0, 1, cost, money=payer)

    def _below_zero(self, cost: N, count: int) -> None:
        value = self.values.get(DEFAULT, self._zero)
        if self.arithmetic.faithful:
            for _each in range(count):
                value = self.arithmetic.less(value, cost)
        else:
            value = self.arithmetic.less(value, self.arithmetic.add(self._zero, cost, count))
        self.values[DEFAULT] = value

    def _take_free(self, balance: Balance) -> bool:
        """Units that cost nothing, in steps."""
        usage = self.usage
        step = balance.step or (usage.ticks if usage.kind == "time" else 1)
        wanted = -((self.position - usage.length) // step)
        each = self.arithmetic.points(step, balance.factors.get(usage.factor, Fraction(1)))
        count, left = self.arithmetic.draw(self.values[balance.id], each, wanted)
        if not count:
            return False
        self.values[balance.id] = left
        self.parts.append(Part(Rounding(), [Draw(step, count, self._zero, unit=balance.id)]))
        self.position += step * count
        return True

    def _runs(self, piece: Piece) -> Iterator[tuple[N, int, bool]]:
        """The increments of a piece as runs of equal cost, as far as a maximum lets them go, and
        whether it makes them free; to be taken one by one, since what was drawn decides."""
        cost, left, price = self.arithmetic.increment(piece), piece.count, piece.span.price
        if price.maximum is None:
            yield cost, left, False
            return
        while left:
            count = self.arithmetic.until(self._so_far, cost, price.maximum, left)
            if not count and price.cuts_at_maximum:
                self._cut = self._dry_run
                if not self._cut:
                    yield cost, left, False
                return
            if not count:
                yield self._zero, left, True
                return
            room = (
                None if price.cuts_at_maximum else self.arithmetic.room(self._so_far, price.maximum)
            )
            if room is not None and count > 1:  # the last one may reach over the maximum
                count -= 1
            elif room is not None and not self.arithmetic.covers(room, cost):
                yield room, 1, False
                left -= 1
                continue
            yield cost, count, False
            left -= count

    def _take_piece(self, balance: Balance, piece: Piece, part: Part[N], *, unit: bool) -> bool:
        """Lets a balance pay the increments of a piece; whether all of them are paid."""
        for cost, count, free in self._runs(piece):
            if free:
                self._draw(part, piece, count, cost, money=balance.id)
                continue
            if unit:
                for _each in range(count):
                    if not self._pay_both(balance, piece, part, cost):
                        return False
                continue
            paid, left = self.arithmetic.draw(self.values[balance.id], cost, count)
            if paid:
                self.values[balance.id] = left
                self._draw(part, piece, paid, cost, money=balance.id)
            if paid < count:
                return False
        return not self._cut

    def _pay_both(self, balance: Balance, piece: Piece, part: Part[N], cost: N) -> bool:
        """One increment from a unit balance whose rates may cost money too."""
        factor = balance.factors.get(self.usage.factor, Fraction(1))
        points = self.arithmetic.points(piece.slot.increment, factor)
        if not self.arithmetic.covers(self.values[balance.id], points):
            return False
        payer = ""
        if not self.arithmetic.covers(self._zero, cost):
            payer = self._payer(cost)
            if not payer:
                return False
            if payer == DEFAULT:
                self._below_zero(cost, 1)
            else:
                self.values[payer] = self.arithmetic.less(self.values[payer], cost)
        self.values[balance.id] = self.arithmetic.less(self.values[balance.id], points)
        self._draw(part, piece, 1, cost, unit=balance.id, money=payer)
        return True

    def _payer(self, cost: N) -> str:
        for balance in self._money:
            if self.arithmetic.covers(self.values[balance.id], cost):
                return balance.id
        return "" if self._dry_run and not self._account.allow_negative else DEFAULT

    def _draw(
        self, part: Part[N], piece: Piece, count: int, cost: N, *, unit: str = "", money: str = ""
    ) -> None:
        part.draws.append(Draw(piece.slot.increment, count, cost, unit, money, piece))
        self.position += piece.slot.increment * count
        self._so_far = self.arithmetic.add(self._so_far, cost, count)

    def _rest(self) -> None:
        """What no balance paid: free of charge, or below zero when it must be charged."""
        spans = self._rates.spans("", self.position, self.usage.length)
        pieces, fee = self._pieces(spans), self._fee(spans)
        # CGRateS asks whether rest and fee are free, even where the fee is long paid.
        charged = self.usage.first if self.arithmetic.faithful else self._fee_due()
        free = self.arithmetic.free(pieces, fee if charged else ZERO)
        if not free and not self._may_go_below:
            return
        payer = self._pay_fee(fee) if not free and self._fee_due() else None
        for place, piece in enumerate(pieces):
            part: Part[N] = Part(piece.span.price.rounding)
            if not place and payer is not None and fee:
                part.draws.append(self._fee_draw(fee, payer))
            self.parts.append(part)
            whole = [(self.arithmetic.increment(piece), piece.count, False)]
            for cost, count, _free in whole if self.arithmetic.faithful else self._runs(piece):
                if not free:
                    self._below_zero(cost, count)
                self._draw(part, piece, count, cost, money="" if free else DEFAULT)
