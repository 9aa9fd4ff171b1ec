// What the service answers, by path: see tools/docs/service.md.
#pragma once

#include <functional>
#include <string>

#include "serve/exposition.h"
#include "serve/http_server.h"
#include "serve/mailbox.h"
#include "serve/service.h"

namespace memspike::serve {

class Endpoints {
 public:
  // `health`: asked in the thread that records.
  Endpoints(Service& service, Mailbox& mailbox, std::function<Health()> health)
      : service_(service), mailbox_(mailbox), health_(std::move(health)) {}

  // On the socket: everything.
  Response answer(const Request& request);
  // On a port: what may be seen from outside.
  Response answer_outside(const Request& request);
  // There, too: the page, and the reports that it links to.
  void show_page_outside() { is_page_outside_ = true; }

 private:
  Response metrics(const Request& request);
  Response status();
  Response containers();
  Response kills(const Request& request);
  Response why(const Request& request);
  Response last(const Request& request);
  Response page();
  Response report(const Request& request);
  bool ask(const std::function<void()>& question);

  Service& service_;
  Mailbox& mailbox_;
  std::function<Health()> health_;
  bool is_page_outside_ = false;
};

}  // namespace memspike::serve
