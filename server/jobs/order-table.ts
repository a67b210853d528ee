/**
 * The transition table of an order: for every state and event, the next state and what is done on
 * the way, or why nothing is done.
 *
 * order-machine.ts executes this table; nothing else moves an order. CONTROL.md section 7 is
 * printed from it by `node scripts/order-table.ts`, and a test compares the two. An arm that
 * is refused, or a place in a session, moves no order, so neither is an event here; load.ts and
 * save.ts decide on those. Only that a node was held back by an unproven image is noted.
 */

export type OrderState = keyof typeof ORDER_STATES;

export type OrderEvent = keyof typeof NODE_EVENTS | keyof typeof OTHER_EVENTS;

/** A condition of a move: a key of {@link ORDER_GUARDS}. */
export type OrderGuard = keyof typeof ORDER_GUARDS;

/** One action of a move: a key of {@link ORDER_ACTIONS}. */
export type OrderAction = keyof typeof ORDER_ACTIONS;

/** The states, in the order in which an undisturbed order passes through them. */
export const ORDER_STATES = {
  waiting: "its node has not been heard of since the order began",
  booting: "its node has fetched its boot script",
  joined: "its node has the order, and this boot has not armed",
  armed: "this boot may write to the disk",
  captured: "the image of a save is durable",
  silent: "its node was at work and does not speak; it may come back by itself",
  stopping: "the job was aborted while the node was at work",
  done: "it has its verdict",
} as const;

/** Events that a node causes. */
export const NODE_EVENTS = {
  bootSeen: "the node fetches its boot script",
  joined: "the node joins",
  heldBack: "the node asks for its session or to arm while its image is being proven",
  armAllowed: "the node asks to arm and may, for the first time in this boot",
  statusSaid: "the node reports",
  uploadMoved: "bytes of its image come in",
  imageKept: "its image is checked and durable",
  verdictSaid: "the node gives its verdict; what the server knows better is corrected",
} as const;

/** Events that others cause: the operator, the server itself, or time. */
export const OTHER_EVENTS = {
  entered: "the enter driver has done its part, or could not",
  imageDamaged: "the proof of the image failed",
  silence: "the wait is over",
  deadline: "the deadline has passed",
  abort: "the operator aborts the job",
  restart: "the server has started again",
  removed: "the node is no longer in the inventory",
  journalBack: "the journal can write again",
} as const;

export const ORDER_GUARDS = {
  armedByThisBoot: "this boot has armed",
  neverArmed: "no boot has armed",
  imageKept: "the image is durable",
  mayReturn: "the order may still arm and server.returnSeconds is not 0",
} as const;

/** Actions of moves, each with the letter that stands for it in the printed table. */
export const ORDER_ACTIONS = {
  phase: ["P", "the phase is journalled and told"],
  nonce: ["N", "the nonce of this boot is journalled"],
  arm: ["A", "the arm is counted in the journal, with the boot that armed"],
  image: ["I", "the id of the image is journalled"],
  verdict: [
    "V",
    "the verdict is journalled and told, the place in the session is given up, and the last " +
      "verdict ends the job",
  ],
  progress: ["G", "progress is told, at most twice a second"],
  note: ["T", "the operator is told"],
  fault: ["F", "whether its node could be started, and why not, is journalled"],
  wait: ["W", "what the new state waits for has its whole time again, within the deadline"],
  hurry: ["H", "the deadline is at most two minutes away"],
  reprieve: ["R", "the deadline moves by the time that was lost, and leaves time for a report"],
  enter: ["E", "the loop is asked to bring the node into the receiver"],
  answer: ["B", "the boot answer may be another now"],
} as const;

/** One move out of a state, made if its guard holds. */
export interface OrderMove {
  readonly when?: OrderGuard;
  readonly to: OrderState;
  readonly does: readonly OrderAction[];
}

/** What an event does in a state: the first of the moves whose guard holds is made. */
export type OrderCell =
  | { readonly kind: "moves"; readonly moves: readonly OrderMove[] }
  /** The event can happen in this state, but changes nothing. */
  | { readonly kind: "ignored"; readonly why: string }
  /** The event cannot happen in this state; if it does, that is our bug. */
  | { readonly kind: "impossible"; readonly why: string };

const first = (...moves: readonly OrderMove[]): OrderCell => ({ kind: "moves", moves });
const when = (guard: OrderGuard, to: OrderState, ...does: readonly OrderAction[]): OrderMove => ({
  when: guard,
  to,
  does,
});
const else_ = (to: OrderState, ...does: readonly OrderAction[]): OrderMove => ({ to, does });
const go = (to: OrderState, ...does: readonly OrderAction[]): OrderCell =>
  first(else_(to, ...does));
const ignored = (why: string): OrderCell => ({ kind: "ignored", why });
const impossible = (why: string): OrderCell => ({ kind: "impossible", why });

const ends = go("done", "verdict");
const notJoined = impossible("this order was given to no boot yet");
const joins = first(
  when("imageKept", "done", "verdict"),
  when("armedByThisBoot", "armed", "nonce", "phase", "wait"),
  else_("joined", "nonce", "phase", "wait"),
);
/** A node that had been silent, or seemed to boot, turns out to be at work. */
const worksAgain = (...does: readonly OrderAction[]): OrderCell =>
  first(
    when("armedByThisBoot", "armed", ...does),
    when("imageKept", "captured", ...does),
    else_("joined", ...does),
  );
const fallsSilent = first(
  when("mayReturn", "silent", "phase", "note", "wait"),
  else_("done", "verdict"),
);
const endsUnlessArmed = (state: OrderState): OrderCell =>
  first(when("neverArmed", "done", "verdict"), else_(state));
const over = ignored("the order is over");

/** States down, events across. */
export const ORDER_TABLE: Readonly<Record<OrderState, Readonly<Record<OrderEvent, OrderCell>>>> = {
  waiting: {
    bootSeen: go("booting", "phase", "wait"),
    joined: joins,
    heldBack: notJoined,
    armAllowed: notJoined,
    statusSaid: notJoined,
    uploadMoved: notJoined,
    imageKept: notJoined,
    verdictSaid: notJoined,
    entered: go("waiting", "note", "fault"),
    imageDamaged: ends,
    silence: ends,
    deadline: ends,
    abort: ends,
    restart: go("waiting", "enter", "wait"),
    removed: endsUnlessArmed("waiting"),
    journalBack: go("waiting", "wait", "reprieve"),
  },
  booting: {
    bootSeen: go("booting", "wait"),
    joined: joins,
    heldBack: go("booting", "note"),
    armAllowed: go("armed", "arm", "phase", "wait", "answer"),
    statusSaid: worksAgain("phase", "progress", "wait"),
    uploadMoved: worksAgain("wait"),
    imageKept: go("captured", "image", "wait"),
    verdictSaid: ends,
    entered: go("booting", "note"),
    imageDamaged: endsUnlessArmed("booting"),
    silence: ends,
    deadline: ends,
    abort: ends,
    restart: go("booting", "wait"),
    removed: endsUnlessArmed("booting"),
    journalBack: go("booting", "wait", "reprieve"),
  },
  joined: {
    bootSeen: go("booting", "phase", "wait"),
    joined: joins,
    heldBack: go("joined", "note"),
    armAllowed: go("armed", "arm", "phase", "wait", "answer"),
    statusSaid: go("joined", "phase", "progress", "wait"),
    uploadMoved: go("joined", "wait"),
    imageKept: go("captured", "image", "wait"),
    verdictSaid: ends,
    entered: go("joined", "note"),
    imageDamaged: endsUnlessArmed("joined"),
    silence: fallsSilent,
    deadline: ends,
    abort: go("stopping", "hurry", "answer"),
    restart: go("joined", "wait", "reprieve"),
    removed: endsUnlessArmed("joined"),
    journalBack: go("joined", "wait", "reprieve"),
  },
  armed: {
    bootSeen: go("booting", "phase", "wait"),
    joined: joins,
    heldBack: go("armed", "note"),
    armAllowed: impossible("a boot arms once; asked again, it is told yes and nothing moves"),
    statusSaid: go("armed", "phase", "progress", "wait"),
    uploadMoved: impossible("only loads arm, and a load uploads nothing"),
    imageKept: impossible("only loads arm, and a load uploads nothing"),
    verdictSaid: ends,
    entered: go("armed", "note"),
    imageDamaged: ignored("the disk may be whole already; if not, the node finds out by itself"),
    silence: fallsSilent,
    deadline: ends,
    abort: go("stopping", "hurry", "answer"),
    restart: go("armed", "wait", "reprieve"),
    removed: ignored("a half-written disk is no safer than a finished one"),
    journalBack: go("armed", "wait", "reprieve"),
  },
  captured: {
    bootSeen: go("booting", "phase", "wait"),
    joined: joins,
    heldBack: impossible("a save waits for no proof"),
    armAllowed: impossible("a save arms nothing"),
    statusSaid: go("captured", "phase", "progress", "wait"),
    uploadMoved: go("captured", "wait"),
    imageKept: go("captured", "image", "wait"),
    verdictSaid: ends,
    entered: go("captured", "note"),
    imageDamaged: impossible("a save waits for no proof"),
    silence: fallsSilent,
    deadline: ends,
    abort: go("stopping", "hurry", "answer"),
    restart: go("captured", "wait", "reprieve"),
    removed: ends,
    journalBack: go("captured", "wait", "reprieve"),
  },
  silent: {
    bootSeen: go("booting", "phase", "wait"),
    joined: joins,
    heldBack: go("silent", "note"),
    armAllowed: go("armed", "arm", "phase", "wait", "answer"),
    statusSaid: worksAgain("phase", "progress", "wait"),
    uploadMoved: worksAgain("wait"),
    imageKept: go("captured", "image", "wait"),
    verdictSaid: ends,
    entered: go("silent", "note"),
    imageDamaged: endsUnlessArmed("silent"),
    silence: ends,
    deadline: ends,
    abort: ends,
    restart: go("silent", "wait"),
    removed: endsUnlessArmed("silent"),
    journalBack: go("silent", "wait", "reprieve"),
  },
  stopping: {
    bootSeen: go("stopping", "phase"),
    joined: ends,
    heldBack: impossible("an aborted job gives no session and no arm"),
    armAllowed: impossible("an aborted job gives no session and no arm"),
    statusSaid: go("stopping", "phase", "progress", "wait"),
    uploadMoved: ignored("the upload is broken off"),
    imageKept: go("stopping", "image", "wait"),
    verdictSaid: ends,
    entered: go("stopping", "note"),
    imageDamaged: endsUnlessArmed("stopping"),
    silence: ends,
    deadline: ends,
    abort: ignored("the job was aborted already"),
    restart: go("stopping", "hurry", "wait"),
    removed: endsUnlessArmed("stopping"),
    journalBack: go("stopping", "wait", "reprieve"),
  },
  done: {
    bootSeen: ignored("its node boots its disk"),
    joined: ignored("its node has nothing to do"),
    heldBack: impossible("an order that is over is refused before"),
    armAllowed: impossible("an order that is over is refused before"),
    statusSaid: over,
    uploadMoved: ignored("the upload is broken off"),
    imageKept: ignored("the image stays in the store, and the verdict stands"),
    verdictSaid: ignored("the first verdict stands"),
    entered: over,
    imageDamaged: over,
    silence: over,
    deadline: over,
    abort: over,
    restart: over,
    removed: over,
    journalBack: over,
  },
};
