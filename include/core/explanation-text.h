/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_EXPLANATION_TEXT_H
#define REAPERD_CORE_EXPLANATION_TEXT_H

/*
 * The words of an explanation (explanation.c): what each step says about a container, in a sentence. Names
 * stand in it as they are.
 */

#include "core/explanation-case.h"

/* The sentence of a step that is judged. A new string, NULL if out of memory. */
char *explanation_step_text(const Case *k, const ExplanationStep *step);

#endif
