/** The same examples in every run, so that a mutant which dies by one of them dies tomorrow, too. */
import fc from 'fast-check';

fc.configureGlobal({ seed: 1 });
