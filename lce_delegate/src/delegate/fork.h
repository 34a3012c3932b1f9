// What has to be made anew in a child process, which has the memory of its parent but none of its
// threads. On Windows there is no fork(), and Android's apps do not call it: there is nothing to do.
#ifndef LCE_DELEGATE_FORK_H_
#define LCE_DELEGATE_FORK_H_

typedef struct lce_forked lce_forked;

struct lce_forked {
  lce_forked *next, *previous;
  void (*begin_in_child)(lce_forked* forked);
};

// From now on until it is removed, `begin_in_child` is called in every child process.
void lce_forked_add(lce_forked* forked, void (*begin_in_child)(lce_forked* forked));
void lce_forked_remove(lce_forked* forked);

#endif  // LCE_DELEGATE_FORK_H_
