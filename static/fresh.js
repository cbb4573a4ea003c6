// What pages that keep themselves fresh (static/live.js, static/activity.js) have in common: when they ask again, when they had
// better not, and when they leave what is shown alone.
const SHORTEST = 2000;
const LONGEST = 60000;

// Answers that stay the same however often one asks: logged out, no longer in the team, gone. Not among them are those that say
// "later".
export const isOver = (answer) =>
  answer.redirected || (answer.status >= 400 && answer.status < 500 && ![408, 429].includes(answer.status));

// How long to wait, longer after each failure. Not to the millisecond: many browsers may wait for the same server.
export const pauseAfter = (failures) => Math.min(SHORTEST * 2 ** failures, LONGEST) + Math.random() * 300;

// Whether text in it is selected: drawn again, what somebody is about to copy would be gone.
export const isChosen = (part) => {
  const chosen = getSelection();
  return chosen !== null && !chosen.isCollapsed && chosen.containsNode(part, true);
};
