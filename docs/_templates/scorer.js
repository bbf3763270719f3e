/* The order of search results: a parameter's name is found on its estimators' pages first, and then in
   the guide. What Sphinx adds up for a match of a title (15), an object (11) or a word (5) is unchanged. */
const ESTIMATOR = /^generated\/sklearn_neuron\.(Sigmoid|Logistic|Perceptron|Manual)\w+$/;
var Scorer = {
  score: ([page, title, anchor, description, score]) => {
    if (ESTIMATOR.test(page) && !anchor) return score + 12; // the page, not one of its methods
    return page.startsWith("guide/") ? score + 6 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
