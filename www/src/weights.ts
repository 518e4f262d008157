/** Weights as a person reads and writes them. Never stored so: a record holds kilograms. */

import type { Models } from "./model.js";

export type Unit = Models["user-settings"]["unit"];

/** Kilograms in the person's unit. */
export function shownWeight(kilograms: number, unit: Unit): number {
  return rounded(unit === "lb" ? kilograms / KG_PER_LB : kilograms, 100);
}

/** What a person wrote, as kilograms. */
export function storedWeight(shown: number, unit: Unit): number {
  return unit === "lb" ? rounded(shown * KG_PER_LB, 1000) : shown;
}

/** `102.5 kg`, or the same in pounds; never broken between two lines. */
export function weightWords(kilograms: number, unit: Unit): string {
  return `${shownWeight(kilograms, unit).toLocaleString()}\u00a0${unit}`;
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}

const KG_PER_LB = 0.45359237;
