module.exports = [{ given: 1 }].reduce((all, one) => Object.assign(all, one), {});
