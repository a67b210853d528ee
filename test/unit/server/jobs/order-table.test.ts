/**
 * Goal: the table is whole and holds the rules that every order lives by. Method: looking through
 * all its cells.
 */
import { expect, test } from "vitest";
import { ORDER_TABLE } from "../../../../server/jobs/order-table.ts";
import type {
  OrderCell,
  OrderEvent,
  OrderMove,
  OrderState,
} from "../../../../server/jobs/order-table.ts";

interface Place {
  readonly state: OrderState;
  readonly event: OrderEvent;
  readonly cell: OrderCell;
}

const places: readonly Place[] = Object.entries(ORDER_TABLE).flatMap(([state, row]) =>
  Object.entries(row).map(([event, cell]) => ({
    state: state as OrderState,
    event: event as OrderEvent,
    cell,
  })),
);

function movesOf(cell: OrderCell): readonly OrderMove[] {
  return cell.kind === "moves" ? cell.moves : [];
}

test("every cell ends in a move without a guard, and only there", () => {
  for (const { state, event, cell } of places) {
    if (cell.kind !== "moves") continue;
    const guards = cell.moves.map((move) => move.when === undefined);
    expect(guards, `${state} ${event}`).toEqual(guards.map((_, at) => at === guards.length - 1));
  }
});

test("an order has one verdict: what leads to done gives it, and done leads nowhere", () => {
  for (const { state, event, cell } of places) {
    for (const move of movesOf(cell)) {
      const gives = move.does.includes("verdict");
      expect(gives, `${state} ${event}`).toBe(move.to === "done");
    }
    if (state === "done") expect(cell.kind, event).not.toBe("moves");
  }
});

test("P3 nothing waits for ever: every open state ends at its deadline and after its wait", () => {
  for (const [state, row] of Object.entries(ORDER_TABLE)) {
    if (state === "done") continue;
    expect(movesOf(row.deadline).map(({ to }) => to)).toEqual(["done"]);
    for (const { to, does } of movesOf(row.silence)) {
      expect(to === "done" || (to === "silent" && does.includes("wait")), state).toBe(true);
    }
  }
  expect(movesOf(ORDER_TABLE.silent.silence).map(({ to }) => to)).toEqual(["done"]);
});

test("a new state that is waited in has its whole wait", () => {
  for (const { state, event, cell } of places) {
    for (const { to, does } of movesOf(cell)) {
      if (to === state || to === "done" || to === "stopping") continue;
      expect(does, `${state} ${event}`).toContain("wait");
    }
  }
});

test("a restart brings a node in only when it was never heard of", () => {
  const entered = places.filter(({ cell }) =>
    movesOf(cell).some(({ does }) => does.includes("enter")),
  );
  expect(entered.map(({ state, event }) => [state, event])).toEqual([["waiting", "restart"]]);
});

test("an aborted order never arms, and nothing but a node's own ask arms", () => {
  const arming = places.filter(({ cell }) =>
    movesOf(cell).some(({ does }) => does.includes("arm")),
  );
  expect(new Set(arming.map(({ event }) => event))).toEqual(new Set(["armAllowed"]));
  expect(ORDER_TABLE.stopping.armAllowed.kind).toBe("impossible");
});
