/* What belongs to the program: callback objects, states, windows. They stay here, under tokens, and are called here. */
#ifndef WUA_CALLBACKS_H
#define WUA_CALLBACKS_H

#include "link.h"
#include <oleauto.h>

/* Appends an object of the program's, which is kept until the server drops it. */
HRESULT client_write_object(Text *text, Link *link, long long request, IUnknown *unknown);

/* The same for a VARIANT that shall come back as it is. */
HRESULT client_write_state(Text *text, Link *link, const VARIANT *state);

/* What was kept under a token, as the calling thread's apartment can use it. */
HRESULT client_read(Link *link, long long token, VARIANT *value);

/* What calls the callback under a token, as the calling thread's apartment can use it. */
HRESULT client_receiver(Link *link, long long token, IDispatch **receiver);

/* A call of the callback under a token has ended. The caller lets go of the receiver after this. */
void client_called(Link *link, long long token);

/* Lets go of a token, or with 0 of all that a connection has. Calls into apartments. */
void client_drop(Link *link, long long token);

/* A request has been answered with a job: callbacks given in it are that job's. */
void client_belongs(Link *link, long long request, long long job);

/* A job was cleaned up: its callbacks are let go of before the program goes on, which may free them then. */
void client_cleaned(Link *link, long long job);

/* Made in the callback's apartment, which is the calling thread's. */
HRESULT receiver_of(IUnknown *callback, IDispatch **made);

/* Calls the callback that a message names; its answer, or why it could not be called. */
HRESULT call_back(Link *link, const Json *message);

/* Takes over a message that is no answer: call a callback, or let go of tokens. */
void callbacks_take(Link *link, Document *message);

/* The connection has ended: let go of all that was kept for it. */
void callbacks_lost(Link *link);

/* The number of the callback that the calling code runs in, also when an apartment's thread runs it; else 0. */
long long callback_within(void);

#endif
