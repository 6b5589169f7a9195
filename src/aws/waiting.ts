/**
 * A state that we wait for, classified three ways: reached, hopeless, or still to come. What is unknown to us
 * counts as still to come, so that a state which AWS adds ends nothing.
 */
export type Prospect = 'reached' | 'hopeless' | 'waiting';
