/**
 * Goal: a flood of TFTP requests costs those who flood. Method: made-up clients.
 */
import { expect, test } from "vitest";
import {
  CLIENTS_MAX,
  CLIENTS_PER_ADDRESS_MAX,
  Clients,
} from "../../../../../server/boot/tftp/clients.ts";

let next = 0;

function client(address: string, isUnanswered: boolean) {
  next += 1;
  return {
    key: `${address}:${next}`,
    remote: { address },
    running: { transfer: { isUnanswered } },
  };
}

test("Clients.makeRoom() lets an address have few, and ends its own unanswered one first", () => {
  const clients = new Clients<ReturnType<typeof client>>();
  const works = client("10.0.0.1", false);
  const waits = client("10.0.0.1", true);
  clients.add(works);
  clients.add(waits);
  while ([...clients.all()].length < CLIENTS_PER_ADDRESS_MAX)
    clients.add(client("10.0.0.1", false));
  expect(clients.makeRoom("10.0.0.1")).toBe(waits);
  clients.remove(waits);
  clients.add(client("10.0.0.1", false));
  expect(clients.makeRoom("10.0.0.1")).toBe("refused");
  expect(clients.makeRoom("10.0.0.2")).toBeUndefined();
});

test("Clients.makeRoom() ends the oldest unanswered one of all, then one of the greediest", () => {
  const clients = new Clients<ReturnType<typeof client>>();
  const forged = client("10.0.9.9", true);
  const greedy = [client("10.0.8.8", false), client("10.0.8.8", false), client("10.0.8.8", false)];
  for (const one of [...greedy, forged]) clients.add(one);
  for (let index = 4; index < CLIENTS_MAX; index += 1)
    clients.add(client(`10.1.0.${index}`, false));
  expect(clients.makeRoom("10.0.0.2")).toBe(forged);
  clients.remove(forged);
  clients.add(client("10.1.1.1", false));
  expect(clients.makeRoom("10.0.0.2")).toBe(greedy[0]);
  clients.remove(greedy[0] ?? forged);
  clients.add(client("10.1.1.2", false));
  clients.remove(greedy[1] ?? forged);
  clients.add(client("10.1.1.3", false));
  expect(clients.makeRoom("10.0.0.2")).toBe("refused"); // everybody has one
});
