/**
 * The command for each order that can be named as possible: what the command line prints, and what the deprecated `possible` of
 * the API says, which is in words of that one client.
 */
import type { PossibleVerb } from './possible.ts';

/** By the verb; without `countermand` and without what it is about. */
export const COMMAND_WORDS: Readonly<Record<PossibleVerb, string>> = {
  SET_POWER_STATE: 'node power',
  WITHDRAW_POWER_TASK: 'power withdraw',
  START_ACTION_PLAN: 'plan start',
  CANCEL_ACTION_PLAN: 'plan cancel',
  ROLLBACK_ACTION_PLAN: 'plan rollback',
  PREVIEW_ROLLBACK: 'plan rollback',
  WATCH_ACTION_PLAN: 'plan watch',
  DELETE_ACTION_PLAN: 'plan delete',
  APPROVE_ACTION_PLAN: 'plan approve',
  REJECT_ACTION_PLAN: 'plan reject',
  SUSPEND_AUDIT: 'audit suspend',
  RESUME_AUDIT: 'audit resume',
  CANCEL_AUDIT: 'audit cancel',
  DELETE_AUDIT: 'audit delete',
  ACCEPT_NODE: 'node accept',
};
