package io.refork.agent.memory;

/**
 * One process's anonymous memory in bytes: heaps, stacks and copied pages, not libraries or files.
 * Pages in swap are in none of the three.
 *
 * @param residentBytes what it would need without sharing
 * @param proportionalBytes its share: a page of n processes counts 1/n in each; only these may be
 *     summed
 * @param privateBytes what nobody else has and its end would give back; never more than {@code
 *     residentBytes}
 */
public record ProcessMemory(long residentBytes, long proportionalBytes, long privateBytes) {}
